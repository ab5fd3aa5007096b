// What can be done about an error of PostgreSQL, by its SQLSTATE (PostgreSQL docs, "PostgreSQL Error Codes").
// Server messages are localised, so no decision is made by their words; libpq's own are not.

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "core/secret.hpp"
#include "core/utf8.hpp"
#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {
namespace {

struct Rule {
  std::string_view state;  ///< a SQLSTATE, or a class: its first two characters
  ErrorKind kind;
  const char* reason;
  const char* cure;
};

constexpr std::size_t kLongestOfLibpq = 400;
constexpr const char* kCredentials =
    "Check spec.source.postgres.user and the Secret that passwordSecretRef names; the change is taken up by "
    "itself";

// The first that fits: a code stands before its class.
constexpr std::array kRules{
    Rule{"28P01", ErrorKind::NeedsUser, "AuthenticationFailed", kCredentials},
    Rule{"28", ErrorKind::NeedsUser, "ConnectionNotPermitted",
         "Check that the role exists, has LOGIN, and that pg_hba.conf lets it in from here with this TLS "
         "mode"},
    Rule{"3D000", ErrorKind::NeedsUser, "DatabaseNotFound", "Check spec.source.postgres.database"},
    Rule{"53300", ErrorKind::Transient, "TooManyConnections",
         "Raise max_connections or, for replication, max_wal_senders, or end sessions that are not needed"},
    Rule{"53400", ErrorKind::NeedsUser, "NoFreeSlot",
         "Raise max_replication_slots and restart PostgreSQL, or drop a slot that nobody uses"},
    Rule{"53", ErrorKind::Transient, "SourceOverloaded",
         "Look for memory, disk and connections in PostgreSQL's log"},
    Rule{"57P03", ErrorKind::Transient, "SourceStarting", ""},
    Rule{"57P05", ErrorKind::Transient, "SourceUnreachable", ""},
    Rule{"57014", ErrorKind::Transient, "StatementCancelled", ""},
    Rule{"57", ErrorKind::Transient, "SourceUnreachable", ""},
    Rule{"08", ErrorKind::Transient, "SourceUnreachable", ""},
    Rule{"42501", ErrorKind::NeedsUser, "PermissionDenied", "Grant the role what it lacks"},
    Rule{"42P01", ErrorKind::NeedsUser, "TableNotFound", "Check spec.tables and the source's schema"},
    Rule{"3F000", ErrorKind::NeedsUser, "TableNotFound", "Check spec.tables and the source's schema"},
    Rule{"42703", ErrorKind::NeedsUser, "ColumnNotFound", "Check spec.tables and the source's schema"},
    Rule{"42710", ErrorKind::InDoubt, "AlreadyExists", ""},
    Rule{"42704", ErrorKind::NeedsUser, "ObjectNotFound", ""},
    Rule{"42", ErrorKind::NeedsUser, "SourceRefused", ""},
    Rule{"55P03", ErrorKind::Transient, "LockTimeout",
         "Another session holds a lock on the table, see pg_locks"},
    Rule{"55006", ErrorKind::Transient, "ObjectInUse", ""},
    Rule{"55", ErrorKind::NeedsUser, "SourceRefused", ""},
    Rule{"25006", ErrorKind::NeedsUser, "SourceReadOnly",
         "Point spec.source.postgres.host at the primary: this server is a standby or read-only"},
    Rule{"25", ErrorKind::Transient, "TransactionEnded", ""},
    Rule{"40", ErrorKind::Transient, "TransactionConflict", ""},
    Rule{"0A", ErrorKind::NeedsUser, "SourceRefused", ""},
    Rule{"22", ErrorKind::BadData, "SourceValueError",
         "Correct the value in the source, or exclude its column"},
    Rule{"54", ErrorKind::BadData, "SourceValueError",
         "Correct the value in the source, or exclude its column"},
    Rule{"XX001", ErrorKind::NeedsUser, "SourceCorrupted", "PostgreSQL reports damaged data: see its log"},
    Rule{"XX002", ErrorKind::NeedsUser, "SourceCorrupted", "PostgreSQL reports a damaged index: REINDEX it"},
};

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// libpq's own errors have no SQLSTATE.
Rule rule_of_libpq(std::string_view message) {
  if (holds(message, "SSL SYSCALL") || holds(message, "closed unexpectedly"))
    return {"", ErrorKind::Transient, "SourceUnreachable", ""};
  if (holds(message, "no password supplied"))
    return {"", ErrorKind::NeedsUser, "AuthenticationFailed", kCredentials};
  if (holds(message, "invalid response to SSL negotiation") ||
      holds(message, "unencrypted data after SSL response") ||
      holds(message, "expected authentication request"))
    return {"", ErrorKind::NeedsUser, "NotPostgres",
            "Something else than PostgreSQL answers there: check spec.source.postgres.host and port"};
  if (holds(message, "SSL") || holds(message, "certificate") || holds(message, "private key"))
    return {"", ErrorKind::NeedsUser, "TlsFailed",
            "Check spec.source.postgres.tls: its mode, the CA in caSecretRef, and that the server's "
            "certificate is valid for this host and has not expired"};
  return {"", ErrorKind::Transient, "SourceUnreachable",
          "Check that PostgreSQL runs and that its port can be reached from here"};
}

/// libpq guesses behind what it has to say; the cure says it better.
std::string_view without_hint(std::string_view message) {
  for (const auto* hint : {"\n\tIs the server running", "\n\tThis probably means"})
    message = message.substr(0, message.find(hint));
  return message;
}

Rule rule_of(std::string_view state, std::string_view message) {
  if (state.empty()) return rule_of_libpq(message);
  for (const auto& rule : kRules) {
    if (state.substr(0, rule.state.size()) == rule.state) return rule;
  }
  return {"", ErrorKind::Transient, "SourceError", "See PostgreSQL's log"};
}

}  // namespace

Error error_of(const Endpoint& endpoint, const std::string& sqlstate, const std::string& message,
               const std::string& doing) {
  const auto rule = rule_of(sqlstate, message);
  // A server may speak in another encoding than was asked for, while the session begins for instance.
  auto words = valid_utf8(
      redact(redact(on_one_line(without_hint(message)), endpoint.password), endpoint.client_key_pem));
  while (words.ends_with('.'))
    words.pop_back();
  if (words.empty()) words = "no answer";
  // libpq's own words are short; what is not may be a stranger's answer, which libpq repeats.
  if (sqlstate.empty() && words.size() > kLongestOfLibpq) words = "the answer is not PostgreSQL's";
  const auto code = sqlstate.empty() ? "" : fmt::format(" (SQLSTATE {})", sqlstate);
  const auto where = fmt::format("{} PostgreSQL {}", doing == "connecting" ? "to" : "at", endpoint.text());
  return {rule.kind, rule.reason, fmt::format("{} {}: {}{}", doing, where, words, code), rule.cure};
}

}  // namespace penstock::postgres
