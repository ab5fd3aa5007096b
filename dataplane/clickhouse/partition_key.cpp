#include "dataplane/clickhouse/partition_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "dataplane/clickhouse/expression_text.hpp"
#include "dataplane/clickhouse/look.hpp"
#include "dataplane/clickhouse/server_text.hpp"
#include "dataplane/clickhouse/syntax_tree.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

constexpr const char* kPurpose = "check partitionBy";
constexpr std::size_t kShownLength = 200;

/// Functions that some or all versions call deterministic, or do not know whether they are, and that read or
/// write something beside their arguments: tables, dictionaries, files, models, the server, its log.
constexpr std::array<std::string_view, 39> kReachOut{
    "addresstoline",
    "addresstolinewithinlines",
    "addresstosymbol",
    "arrayjoin",
    "authenticateduser",
    "catboostevaluate",
    "currentdatabase",
    "currentprofiles",
    "currentroles",
    "currentuser",
    "defaultroles",
    "displayname",
    "enabledroles",
    "file",
    "formatrow",
    "formatrownonewline",
    "fqdn",
    "getmacro",
    "getmaxtablenamelengthfordatabase",
    "getserverport",
    "getserversetting",
    "getsetting",
    "globalvariable",
    "hascolumnintable",
    "hasthreadfuzzer",
    "hostname",
    "lemmatize",
    "logtrace",
    "modelevaluate",
    "runningconcurrency",
    "serveruuid",
    "showcertificate",
    "sleep",
    "sleepeachrow",
    "stem",
    "synonyms",
    "tcpport",
    "tid",
    "unnest",
};
/// How the names of whole families of them begin. A leading _ is of those that ClickHouse keeps for itself.
constexpr std::array<std::string_view, 7> kReachOutBeginnings{
    "_", "ai", "dictget", "dicthas", "dictisin", "joinget", "timeseries",
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool reaches_out(std::string_view function) {
  const auto name = lower(function);
  if (name == "_cast") return false;  // of a literal
  return std::find(kReachOut.begin(), kReachOut.end(), name) != kReachOut.end() ||
         std::any_of(kReachOutBeginnings.begin(), kReachOutBeginnings.end(),
                     [&](std::string_view beginning) { return name.starts_with(beginning); });
}

/// What the server says of a function. Whether it is deterministic not every version knows.
struct KnownFunction {
  std::string name;
  std::string original;  ///< of an alias; else empty
  bool aggregate = false;
  bool of_the_server = false;  ///< not made by a user
  bool any_case = false;
  bool deterministic = true;
};

Result<std::vector<KnownFunction>> known_functions(Client& client, const std::set<std::string>& names) {
  std::vector<std::string> wanted;
  for (const auto& name : names)
    wanted.push_back(literal(lower(name)));
  // The column has had two names, and old servers lack it.
  PENSTOCK_ASSIGN(const auto rows,
                  look(client,
                       fmt::format("SELECT name, alias_to, is_aggregate, toString(origin) = 'System', "
                                   "case_insensitive, COLUMNS('^(is_)?deterministic$') FROM system.functions "
                                   "WHERE lower(name) IN ({})",
                                   fmt::join(wanted, ", ")),
                       kPurpose));
  std::vector<KnownFunction> out;
  for (const auto& row : rows)
    out.push_back({row.at(0), row.at(1), row.at(2) != "0", row.at(3) != "0", row.at(4) != "0",
                   row.size() < 6 || row.at(5) == "1"});
  return out;
}

/// What is wrong with a function; empty: nothing.
std::string fault_of(const std::string& name, const std::vector<KnownFunction>& known) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const KnownFunction& one) {
    return one.name == name || (one.any_case && lower(one.name) == lower(name));
  });
  if (found == known.end()) return fmt::format("has {}(), a function that this server does not know", name);
  if (found->aggregate) return fmt::format("has {}(), which takes many rows together", name);
  if (!found->of_the_server) return fmt::format("has {}(), a function of a user's", name);
  if (!found->deterministic || reaches_out(name) || reaches_out(found->original))
    return fmt::format("has {}(), whose value does not depend on its arguments alone", name);
  return "";
}

/// `identifier` with its quoted names as they are.
std::string name_of(std::string_view identifier, const ExpressionText& text) {
  std::string out;
  while (true) {
    const auto part = identifier.substr(0, identifier.find('.'));
    const auto quoted = text.names.find(part);
    out += quoted == text.names.end() ? std::string(part) : quoted->second;
    if (part.size() == identifier.size()) return out;
    out += '.';
    identifier.remove_prefix(part.size() + 1);
  }
}

std::vector<TargetColumn> columns_of(const TargetDefinition& definition) {
  auto out = definition.columns;
  out.push_back({kVersionColumn, "UInt128", ""});
  out.push_back({kDeletedColumn, "UInt8", ""});
  out.push_back({kSyncedAtColumn, "DateTime64(3)", ""});
  return out;
}

/// The column that a name is of, or of a part of: "address" of "address.street".
const TargetColumn* column_of(const std::vector<TargetColumn>& columns, const std::string& name) {
  const TargetColumn* out = nullptr;
  for (const auto& column : columns) {
    if (column.name == name) return &column;
    if (name.starts_with(column.name + ".")) out = &column;
  }
  return out;
}

/// The server's own answer to what it is not asked to carry out: a statement for one row and its columns.
Result<Rows> ask(Client& client, const TargetDefinition& definition, std::string sql, Settings settings) {
  auto rows = look(client, std::move(sql), kPurpose, std::move(settings));
  if (rows || !refuses_the_text(rows.error())) return rows;
  return fail(partition_by_invalid(definition, fmt::format("is refused: {}", rows.error().message)));
}

Result<ExpressionParts> parse(Client& client, const TargetDefinition& definition,
                              const ExpressionText& text) {
  const auto rows =
      ask(client, definition,
          fmt::format("SELECT explain FROM (EXPLAIN AST SELECT {})", text.with_plain_names), {});
  // To have a text parsed takes no right: what is denied is something that the text names.
  if (!rows && rows.error().reason == "DestinationAccessDenied")
    return fail(partition_by_invalid(definition, fmt::format("is refused: {}", rows.error().message)));
  if (!rows) return fail(rows.error());
  std::vector<std::string> lines;
  for (const auto& row : *rows)
    lines.push_back(row.at(0));
  auto parts = read_syntax_tree(lines);
  if (!parts) return fail(partition_by_invalid(definition, parts.error().message));
  return parts;
}

/// Over no rows, so that nothing but its types is worked out.
Status check_types(Client& client, const TargetDefinition& definition, const PartitionKey& key,
                   const std::vector<TargetColumn>& columns, const Settings& settings) {
  std::vector<std::string> items;
  for (const auto& name : key.columns) {
    // A name with a dot in it is found in tables alone.
    if (name.find('.') != std::string::npos) return {};
    items.push_back(fmt::format("materialize(defaultValueOfTypeName({})) AS {}",
                                literal(column_of(columns, name)->type), quote(name)));
  }
  if (items.empty()) items.emplace_back("1");
  PENSTOCK_TRY(
      ask(client, definition,
          fmt::format("SELECT toTypeName({}) FROM (SELECT {}) WHERE 0", key.sql, fmt::join(items, ", ")),
          settings));
  return {};
}

}  // namespace

Error partition_by_invalid(const TargetDefinition& definition, const std::string& what) {
  return {
      ErrorKind::NeedsUser, "PartitionByInvalid",
      fmt::format("target {}.{}: partitionBy \"{}\" {}", quote(definition.database), quote(definition.table),
                  shortened(one_line(definition.partition_by), kShownLength), what),
      "Correct spec.tables[].partitionBy: one expression of the target's columns, such as "
      "toYYYYMM(created_at), of functions whose value depends on their arguments alone"};
}

Result<PartitionKey> check_partition_by(Client& client, const TargetDefinition& definition,
                                        const Settings& settings) {
  const auto text = read_expression(definition.partition_by);
  if (!text) return fail(partition_by_invalid(definition, text.error().message));
  PENSTOCK_ASSIGN(const auto parts, parse(client, definition, *text));
  PartitionKey out{text->sql, {}};
  const auto columns = columns_of(definition);
  for (const auto& identifier : parts.identifiers) {
    const auto name = name_of(identifier, *text);
    const auto* column = column_of(columns, name);
    if (column == nullptr)
      return fail(
          partition_by_invalid(definition, fmt::format("has {}, which is no column of the target", name)));
    if (std::find(out.columns.begin(), out.columns.end(), column->name) == out.columns.end())
      out.columns.push_back(column->name);
  }
  if (!parts.functions.empty()) {
    PENSTOCK_ASSIGN(const auto known, known_functions(client, parts.functions));
    for (const auto& function : parts.functions)
      if (const auto fault = fault_of(function, known); !fault.empty())
        return fail(partition_by_invalid(definition, fault));
  }
  PENSTOCK_TRY(check_types(client, definition, out, columns, settings));
  return out;
}

}  // namespace penstock::clickhouse
