// What ClickHouse's errors mean for a pipe. Names and numbers: ClickHouse source, Common/ErrorCodes.cpp
// (system.errors); a number never changes its meaning.

#include <algorithm>
#include <array>

#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/server_text.hpp"

namespace penstock::clickhouse {
namespace {

/// Codes that mean the same to us.
struct Family {
  ErrorKind kind;
  const char* reason;
  const char* cure;
};

constexpr Family kAuthentication{ErrorKind::NeedsUser, "DestinationAuthenticationFailed",
                                 "Check user and passwordSecretRef of spec.destination.clickhouse"};
constexpr Family kAccess{ErrorKind::NeedsUser, "DestinationAccessDenied",
                         "Grant the user of spec.destination.clickhouse what the message names"};
constexpr Family kReadOnlyUser{ErrorKind::NeedsUser, "DestinationReadOnly",
                               "Give the user a settings profile that allows writing and changing settings"};
constexpr Family kConstraint{
    ErrorKind::NeedsUser, "DestinationSettingConstrained",
    "Take the constraint on the setting that the message names out of the user's settings profile"};
constexpr Family kNoDatabase{ErrorKind::NeedsUser, "DestinationDatabaseMissing",
                             "Create the database, or grant the user CREATE DATABASE"};
constexpr Family kNoTable{ErrorKind::BadData, "TargetMissing",
                          "Resync the table, so that its target is made again"};
constexpr Family kNoColumn{ErrorKind::BadData, "TargetColumnMissing",
                           "Add the column to the target again, or resync the table"};
constexpr Family kColumnType{ErrorKind::BadData, "TargetColumnType",
                             "Give the target's column a type that holds the source's, or resync the table"};
constexpr Family kValue{ErrorKind::BadData, "TargetValueRejected",
                        "Give the column another type in spec.tables[].columns and resync the table"};
constexpr Family kNotNull{ErrorKind::BadData, "TargetNotNullable",
                          "Make the target's column Nullable, or resync the table"};
constexpr Family kView{ErrorKind::BadData, "TargetViewFailed",
                       "Correct or drop the materialized view or constraint that refuses the rows"};
constexpr Family kType{ErrorKind::NeedsUser, "TargetTypeInvalid",
                       "Correct the type in spec.tables[].columns"};
constexpr Family kKey{ErrorKind::NeedsUser, "TargetKeyInvalid",
                      "Choose other columns in spec.tables[].orderBy or another partitionBy"};
constexpr Family kReserved{
    ErrorKind::BadData, "TargetColumnReserved",
    "Rename the column in the source, or exclude it with spec.tables[].excludedColumns and resync the table"};
constexpr Family kExists{ErrorKind::NeedsUser, "TargetExists", "Rename or drop the table that is in the way"};
constexpr Family kPartitions{ErrorKind::BadData, "TargetTooManyPartitions",
                             "Choose a coarser partitionBy and resync"};
constexpr Family kDropRefused{ErrorKind::NeedsUser, "DestinationDropRefused",
                              "Remove what the message names, or drop the table by hand"};
constexpr Family kLimit{ErrorKind::NeedsUser, "DestinationLimitReached",
                        "Raise the limit that the message names"};
constexpr Family kUnsupported{ErrorKind::NeedsUser, "DestinationNotSupported",
                              "Use a server, database engine or table engine that can do it"};
constexpr Family kBusy{ErrorKind::Transient, "DestinationBusy", "It is tried again by itself"};
constexpr Family kParts{ErrorKind::Transient, "DestinationTooManyParts",
                        "It is tried again by itself; a longer sync.interval makes fewer parts"};
constexpr Family kMemory{ErrorKind::Transient, "DestinationOutOfMemory",
                         "It is tried again by itself; give ClickHouse more memory or lower sync.batchRows"};
constexpr Family kDisk{ErrorKind::Transient, "DestinationDiskFull",
                       "Free or add disk space; it is tried again by itself"};
constexpr Family kServer{ErrorKind::Transient, "DestinationUnavailable",
                         "It is tried again by itself; see ClickHouse's log if it stays"};
// The server answers: it is this table that is not to be written now, or what a view on it writes to.
constexpr Family kTarget{ErrorKind::Transient, "TargetUnavailable",
                         "It is tried again by itself; see the table, its replicas, and the views on it"};
constexpr Family kInDoubt{ErrorKind::InDoubt, "DestinationAnswerLost", ""};
constexpr Family kDefect{ErrorKind::Internal, "DestinationStatementInvalid",
                         "This is a defect of Penstock: report it with the message"};
constexpr Family kSetting{ErrorKind::Internal, "DestinationSettingUnknown",
                          "Use a newer ClickHouse, or report the message"};
constexpr Family kUnknown{ErrorKind::BadData, "DestinationRejected", "See the message and ClickHouse's log"};
constexpr Family kNotClickHouse{
    ErrorKind::NeedsUser, "DestinationNotClickHouse",
    "Point spec.destination.clickhouse.url at ClickHouse's HTTP port (8123, or 8443 with TLS)"};

struct Entry {
  int code;
  const Family* family;
};

// Sorted by code.
constexpr std::array kEntries = {
    Entry{6, &kValue},             // CANNOT_PARSE_TEXT
    Entry{8, &kNoColumn},          // THERE_IS_NO_COLUMN
    Entry{10, &kNoColumn},         // NOT_FOUND_COLUMN_IN_BLOCK
    Entry{16, &kNoColumn},         // NO_SUCH_COLUMN_IN_TABLE
    Entry{25, &kValue},            // CANNOT_PARSE_ESCAPE_SEQUENCE
    Entry{26, &kValue},            // CANNOT_PARSE_QUOTED_STRING
    Entry{27, &kValue},            // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    Entry{38, &kValue},            // CANNOT_PARSE_DATE
    Entry{41, &kValue},            // CANNOT_PARSE_DATETIME
    Entry{43, &kColumnType},       // ILLEGAL_TYPE_OF_ARGUMENT
    Entry{44, &kKey},              // ILLEGAL_COLUMN
    Entry{47, &kNoColumn},         // UNKNOWN_IDENTIFIER
    Entry{48, &kUnsupported},      // NOT_IMPLEMENTED
    Entry{50, &kType},             // UNKNOWN_TYPE
    Entry{53, &kColumnType},       // TYPE_MISMATCH
    Entry{57, &kExists},           // TABLE_ALREADY_EXISTS
    Entry{60, &kNoTable},          // UNKNOWN_TABLE
    Entry{62, &kDefect},           // SYNTAX_ERROR
    Entry{69, &kValue},            // ARGUMENT_OUT_OF_BOUND
    Entry{70, &kColumnType},       // CANNOT_CONVERT_TYPE
    Entry{72, &kValue},            // CANNOT_PARSE_NUMBER
    Entry{81, &kNoDatabase},       // UNKNOWN_DATABASE
    Entry{95, &kServer},           // CANNOT_READ_FROM_SOCKET
    Entry{96, &kServer},           // CANNOT_WRITE_TO_SOCKET
    Entry{115, &kSetting},         // UNKNOWN_SETTING
    Entry{117, &kValue},           // INCORRECT_DATA
    Entry{122, &kColumnType},      // INCOMPATIBLE_COLUMNS
    Entry{130, &kValue},           // CANNOT_READ_ARRAY_FROM_TEXT
    Entry{131, &kValue},           // TOO_LARGE_STRING_SIZE
    Entry{159, &kServer},          // TIMEOUT_EXCEEDED
    Entry{160, &kServer},          // TOO_SLOW
    Entry{164, &kReadOnlyUser},    // READONLY
    Entry{173, &kMemory},          // CANNOT_ALLOCATE_MEMORY
    Entry{190, &kValue},           // SIZES_OF_ARRAYS_DONT_MATCH
    Entry{192, &kAuthentication},  // UNKNOWN_USER
    Entry{193, &kAuthentication},  // WRONG_PASSWORD
    Entry{194, &kAuthentication},  // REQUIRED_PASSWORD
    Entry{195, &kAuthentication},  // IP_ADDRESS_NOT_ALLOWED
    Entry{198, &kTarget},          // DNS_ERROR
    Entry{201, &kBusy},            // QUOTA_EXCEEDED: a quota is counted anew each interval
    Entry{202, &kBusy},            // TOO_MANY_SIMULTANEOUS_QUERIES
    Entry{203, &kBusy},            // NO_FREE_CONNECTION
    Entry{209, &kTarget},          // SOCKET_TIMEOUT
    Entry{210, &kTarget},          // NETWORK_ERROR
    Entry{218, &kNoTable},         // TABLE_IS_DROPPED
    Entry{225, &kTarget},          // NO_ZOOKEEPER
    Entry{236, &kServer},          // ABORTED
    Entry{241, &kMemory},          // MEMORY_LIMIT_EXCEEDED
    Entry{242, &kTarget},          // TABLE_IS_READ_ONLY: a replica without its Keeper
    Entry{243, &kDisk},            // NOT_ENOUGH_SPACE
    Entry{252, &kParts},           // TOO_MANY_PARTS
    Entry{254, &kTarget},          // NO_ACTIVE_REPLICAS
    Entry{265, &kTarget},          // NO_AVAILABLE_REPLICA
    Entry{279, &kTarget},          // ALL_CONNECTION_TRIES_FAILED
    Entry{285, &kTarget},          // TOO_FEW_LIVE_REPLICAS
    Entry{286, &kTarget},          // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    Entry{291, &kAccess},          // DATABASE_ACCESS_DENIED
    Entry{305, &kServer},          // TABLE_WAS_NOT_DROPPED
    Entry{319, &kInDoubt},         // UNKNOWN_STATUS_OF_INSERT
    Entry{321, &kValue},           // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    Entry{341, &kServer},          // UNFINISHED
    Entry{349, &kNotNull},         // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    Entry{359, &kDropRefused},     // TABLE_SIZE_EXCEEDS_MAX_DROP_SIZE_LIMIT
    Entry{364, &kBusy},            // RECEIVED_ERROR_TOO_MANY_REQUESTS
    Entry{370, &kType},            // DATA_TYPE_CANNOT_BE_USED_IN_TABLES
    Entry{376, &kValue},           // CANNOT_PARSE_UUID
    Entry{377, &kType},            // ILLEGAL_SYNTAX_FOR_DATA_TYPE
    Entry{378, &kType},            // DATA_TYPE_CANNOT_HAVE_ARGUMENTS
    Entry{392, &kReadOnlyUser},    // QUERY_IS_PROHIBITED
    Entry{394, &kServer},          // QUERY_WAS_CANCELLED: by somebody, or by a shutdown
    Entry{395, &kView},            // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    Entry{405, &kDropRefused},     // PARTITION_SIZE_EXCEEDS_MAX_DROP_SIZE_LIMIT
    Entry{407, &kValue},           // DECIMAL_OVERFLOW
    Entry{439, &kBusy},            // CANNOT_SCHEDULE_TASK
    Entry{452, &kConstraint},      // SETTING_CONSTRAINT_VIOLATION
    Entry{455, &kType},            // SUSPICIOUS_TYPE_FOR_LOW_CARDINALITY
    Entry{467, &kValue},           // CANNOT_PARSE_BOOL
    Entry{469, &kView},            // VIOLATED_CONSTRAINT
    Entry{472, &kConstraint},      // READONLY_SETTING
    Entry{473, &kServer},          // DEADLOCK_AVOIDED
    Entry{497, &kAccess},          // ACCESS_DENIED
    Entry{499, &kServer},          // S3_ERROR
    Entry{500, &kServer},          // AZURE_BLOB_STORAGE_ERROR
    Entry{503, &kView},            // AGGREGATE_FUNCTION_THROW
    Entry{516, &kAuthentication},  // AUTHENTICATION_FAILED
    Entry{517, &kServer},          // CANNOT_ASSIGN_ALTER
    Entry{549, &kKey},             // DATA_TYPE_CANNOT_BE_USED_IN_KEY
    Entry{565, &kPartitions},      // TOO_MANY_PARTITIONS
    Entry{630, &kDropRefused},     // HAVE_DEPENDENT_OBJECTS
    Entry{675, &kValue},           // CANNOT_PARSE_IPV4
    Entry{676, &kValue},           // CANNOT_PARSE_IPV6
    Entry{691, &kValue},           // UNKNOWN_ELEMENT_OF_ENUM
    Entry{692, &kBusy},            // TOO_MANY_MUTATIONS
    Entry{700, &kBusy},            // USER_SESSION_LIMIT_EXCEEDED
    Entry{720, &kAuthentication},  // USER_EXPIRED
    Entry{724, &kLimit},           // TOO_MANY_TABLES
    Entry{725, &kLimit},           // TOO_MANY_DATABASES
    Entry{733, &kServer},          // TABLE_IS_BEING_RESTARTED
    Entry{735, &kServer},          // QUERY_WAS_CANCELLED_BY_CLIENT
    Entry{745, &kBusy},            // SERVER_OVERLOADED
    Entry{749, &kBusy},            // TCP_CONNECTION_LIMIT_REACHED
    Entry{762, &kBusy},            // HTTP_CONNECTION_LIMIT_REACHED
    Entry{767, &kAuthentication},  // REQUIRED_SECOND_FACTOR
    Entry{774, &kUnsupported},     // TABLE_IS_PERMANENTLY_READ_ONLY
    Entry{777, &kMemory},          // MEMORY_RESERVATION_KILLED
    Entry{778, &kMemory},          // MEMORY_RESERVATION_FAILED
    Entry{999, &kTarget},          // KEEPER_EXCEPTION
};

const Family& family_of_code(int code, std::string_view text) {
  // Before 565 existed the limit of partitions in one insert was told with the same code as that of parts.
  if (code == 252 && text.find("partitions") != std::string_view::npos) return kPartitions;
  if (code == 44 && text.find("is reserved for") != std::string_view::npos) return kReserved;
  // What a view of the user's writes to, or the view itself: dropped, or just being dropped.
  if (code == 60 && text.find(" of view ") != std::string_view::npos) return kView;
  const auto* found = std::lower_bound(kEntries.begin(), kEntries.end(), code,
                                       [](const Entry& entry, int wanted) { return entry.code < wanted; });
  if (found != kEntries.end() && found->code == code) return *found->family;
  // A disk that fills up while a file is written is told with the code of whatever was done with the file.
  const bool full = text.find("No space left on device") != std::string_view::npos ||
                    text.find("Disk quota exceeded") != std::string_view::npos;
  return full ? kDisk : kUnknown;
}

/// Answers without an exception come from what stands before ClickHouse, or is not ClickHouse.
const Family& family_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return kAuthentication;
    case 408:
    case 425:
    case 500:
    case 502:
    case 504:
      return kServer;
    case 429:
    case 503:
      return kBusy;
    case 413:
      return kLimit;
    default:
      return kNotClickHouse;
  }
}

/// The answer's body is of whoever gave it, and for nobody else's eyes: the address may be that of any
/// service.
std::string words_of_status(int status, bool stranger) {
  if (stranger && status >= 300 && status < 400)
    return "what answers there redirects (HTTP status " + std::to_string(status) + "), and is not ClickHouse";
  if (stranger)
    return "what answers there speaks HTTP, and is not ClickHouse (status " + std::to_string(status) + ")";
  return "HTTP status " + std::to_string(status) + ", without an exception of ClickHouse";
}

}  // namespace

bool holds_up_one_table(const Error& error) {
  constexpr std::array kOfATable = {kParts.reason,  kTarget.reason,      kMemory.reason,
                                    kAccess.reason, kUnsupported.reason, kKey.reason};
  return std::any_of(kOfATable.begin(), kOfATable.end(),
                     [&](const char* reason) { return error.reason == reason; });
}

bool refuses_the_text(const Error& error) {
  return error.kind == ErrorKind::BadData || error.kind == ErrorKind::Internal ||
         error.reason == kType.reason || error.reason == kKey.reason || error.reason == kUnsupported.reason;
}

Error classify(const Endpoint& endpoint, int http, int code, const std::string& message,
               const std::string& doing) {
  static_assert(std::is_sorted(kEntries.begin(), kEntries.end(),
                               [](const Entry& a, const Entry& b) { return a.code < b.code; }));
  const auto text = code != 0 ? exception_text(redact(message, endpoint.password)) : std::string{};
  const Family& family = code != 0 ? family_of_code(code, text) : family_of_status(http);
  return {family.kind, family.reason,
          "cannot " + doing + " at " + endpoint.text() + ": " +
              (code != 0 ? text : words_of_status(http, &family == &kNotClickHouse)),
          family.cure};
}

}  // namespace penstock::clickhouse
