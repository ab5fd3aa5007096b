#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "core/table_name.hpp"
#include "crds/pipe_rules.hpp"
#include "crds/time_text.hpp"

namespace penstock {
namespace {

using Faults = std::vector<FieldError>;

constexpr std::string_view kResyncSuffix = "_resync";
constexpr std::size_t kMaxTargetBytes = 200;
constexpr std::chrono::milliseconds kMinInterval{10};
constexpr std::chrono::milliseconds kMaxInterval = std::chrono::hours(1);

std::string table_path(std::size_t index) {
  return fmt::format("spec.tables[{}]", index);
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// What keeps `target` from naming a table of ClickHouse, or empty.
std::string target_fault(std::string_view target) {
  if (target.find('/') != std::string_view::npos) return "must not contain a slash";
  if (std::any_of(target.begin(), target.end(), is_control)) return "must not contain control characters";
  if (target.size() > kMaxTargetBytes)
    return fmt::format("must not be longer than {} bytes", kMaxTargetBytes);
  if (target.ends_with(kResyncSuffix))
    return "must not end with _resync: a resync of the table without it builds its new target under that "
           "name";
  return "";
}

void check_target(const TableSpec& table, std::size_t index, Faults& faults) {
  const std::string target = target_of(table);
  const std::string fault = target_fault(target);
  if (fault.empty()) return;
  if (table.target.empty())
    faults.push_back(
        {table_path(index) + ".target",
         fmt::format("is the source table's name, \"{}\", by default, and {}; set it", target, fault)});
  else
    faults.push_back({table_path(index) + ".target", fault});
}

template <typename Name>
std::string first_duplicate(const std::vector<Name>& items, const auto& name_of) {
  std::set<std::string> seen;
  for (const Name& item : items)
    if (!seen.insert(name_of(item)).second) return name_of(item);
  return "";
}

void check_columns(const TableSpec& table, std::size_t index, Faults& faults) {
  const auto add = [&](const std::string& field, std::string message) {
    faults.push_back({table_path(index) + "." + field, std::move(message)});
  };
  const auto self = [](const std::string& name) { return name; };
  const std::set<std::string> excluded(table.excluded_columns.begin(), table.excluded_columns.end());

  if (const auto twice = first_duplicate(table.excluded_columns, self); !twice.empty())
    add("excludedColumns", fmt::format("names column \"{}\" twice", twice));
  if (const auto twice = first_duplicate(table.order_by, self); !twice.empty())
    add("orderBy", fmt::format("names column \"{}\" twice", twice));
  if (const auto twice = first_duplicate(table.columns, [](const ColumnSpec& c) { return c.name; });
      !twice.empty())
    add("columns", fmt::format("has column \"{}\" twice", twice));

  for (std::size_t i = 0; i < table.order_by.size(); ++i) {
    if (table.order_by[i].empty()) add(fmt::format("orderBy[{}]", i), "must be a column's name, not empty");
    if (excluded.contains(table.order_by[i]))
      add(fmt::format("orderBy[{}]", i),
          fmt::format("column \"{}\" is also in excludedColumns; take it out of one of them",
                      table.order_by[i]));
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (excluded.contains(table.columns[i].name))
      add(fmt::format("columns[{}].name", i),
          fmt::format("column \"{}\" is also in excludedColumns; take it out of one of them",
                      table.columns[i].name));
}

void check_tables(const std::vector<TableSpec>& tables, Faults& faults) {
  std::map<TableName, std::size_t> sources;
  std::map<std::string, std::size_t> targets;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto source = TableName::parse(tables[i].source);
    if (!source) {
      faults.push_back({table_path(i) + ".source", source.error().text()});
      continue;
    }
    const auto [same_source, new_source] = sources.emplace(*source, i);
    if (!new_source)
      faults.push_back({table_path(i) + ".source",
                        fmt::format("{} is the same table as {} of {}; remove one of them", tables[i].source,
                                    tables[same_source->second].source, table_path(same_source->second))});
    const auto [same_target, new_target] = targets.emplace(target_of(tables[i]), i);
    if (new_source && !new_target)
      faults.push_back(
          {table_path(i) + ".target",
           fmt::format("{} and {} ({}) would both go into \"{}\"; give one of them another target",
                       tables[i].source, tables[same_target->second].source, table_path(same_target->second),
                       same_target->first)});
    check_target(tables[i], i, faults);
    check_columns(tables[i], i, faults);
  }
}

/// PostgreSQL has no such character in a name, and its library would end the name there.
void check_for_nul(const std::string& path, std::string_view text, Faults& faults) {
  if (text.find('\0') != std::string_view::npos) faults.push_back({path, "must not contain a NUL character"});
}

void check_texts(const PipeSpec& spec, Faults& faults) {
  const auto& postgres = spec.source;
  check_for_nul("spec.source.postgres.database", postgres.database, faults);
  check_for_nul("spec.source.postgres.user", postgres.user, faults);
  check_for_nul("spec.source.postgres.publication", postgres.publication, faults);
  check_for_nul("spec.destination.clickhouse.database", spec.destination.database, faults);
  check_for_nul("spec.destination.clickhouse.user", spec.destination.user, faults);
  for (std::size_t i = 0; i < spec.tables.size(); ++i) {
    const auto& table = spec.tables[i];
    check_for_nul(table_path(i) + ".source", table.source, faults);
    check_for_nul(table_path(i) + ".partitionBy", table.partition_by, faults);
    for (const auto& name : table.excluded_columns)
      check_for_nul(table_path(i) + ".excludedColumns", name, faults);
    for (const auto& name : table.order_by)
      check_for_nul(table_path(i) + ".orderBy", name, faults);
    for (const auto& column : table.columns) {
      check_for_nul(table_path(i) + ".columns", column.name, faults);
      check_for_nul(table_path(i) + ".columns", column.type, faults);
    }
  }
}

void check_tls(const TlsSpec& tls, Faults& faults) {
  const std::string path = "spec.source.postgres.tls";
  if (tls.client_certificate.has_value() != tls.client_key.has_value())
    faults.push_back(
        {path, "clientCertificateSecretRef and clientKeySecretRef go together; give both or neither"});
  if (tls.mode == TlsMode::Disable && (tls.ca || tls.client_certificate || tls.client_key))
    faults.push_back(
        {path,
         "with mode Disable no certificate is used; remove caSecretRef, clientCertificateSecretRef and "
         "clientKeySecretRef, or set mode to VerifyFull or Require"});
}

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Kubernetes' own rule for names (RFC 1123, "subdomain").
bool is_secret_name(std::string_view name) {
  const auto edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (edge(name[at])) continue;
    const bool inside = at > 0 && at + 1 < name.size();
    if (!inside || (name[at] != '-' && name[at] != '.')) return false;
    const auto beside = [&](char c) { return edge(c) || (name[at] == '-' && c == '-'); };
    if (!beside(name[at - 1]) || !beside(name[at + 1])) return false;
  }
  return !name.empty();
}

void check_secret(const std::string& path, const std::optional<SecretKeyRef>& ref, Faults& faults) {
  if (!ref) return;
  const auto is_of_key = [](char c) {
    return is_alnum(c) || std::string_view("-_.").find(c) != std::string_view::npos;
  };
  if (!is_secret_name(ref->name))
    faults.push_back({path + ".name",
                      "must consist of lower case letters, digits, '-' and '.', each part between dots "
                      "beginning and ending with a letter or digit"});
  if (ref->key.empty() || !std::all_of(ref->key.begin(), ref->key.end(), is_of_key))
    faults.push_back({path + ".key", "must consist of letters, digits, '-', '_' and '.'"});
}

void check_secrets(const PipeSpec& spec, Faults& faults) {
  const std::string source = "spec.source.postgres.";
  const std::string destination = "spec.destination.clickhouse.";
  check_secret(source + "passwordSecretRef", spec.source.password, faults);
  check_secret(source + "tls.caSecretRef", spec.source.tls.ca, faults);
  check_secret(source + "tls.clientCertificateSecretRef", spec.source.tls.client_certificate, faults);
  check_secret(source + "tls.clientKeySecretRef", spec.source.tls.client_key, faults);
  check_secret(destination + "passwordSecretRef", spec.destination.password, faults);
  check_secret(destination + "caSecretRef", spec.destination.ca, faults);
}

void check_source(const PipeSpec& spec, Faults& faults) {
  const PostgresSpec& postgres = spec.source;
  const auto is_of_host = [](char c) {
    return is_alnum(c) || std::string_view("_./:%-").find(c) != std::string_view::npos;
  };
  if (!std::all_of(postgres.host.begin(), postgres.host.end(), is_of_host))
    faults.push_back({"spec.source.postgres.host",
                      "must be a host name, an IP address or the path of a directory: letters, digits and "
                      "'_', '.', '/', ':', '%', '-' alone"});
  const auto is_of_slot = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (!std::all_of(postgres.replication_slot.begin(), postgres.replication_slot.end(), is_of_slot))
    faults.push_back({"spec.source.postgres.replicationSlot",
                      "must consist of lower case letters, digits and '_', at most 63"});
  if (!postgres.replication_slot.empty() && spec.mode != Mode::CdcOnly)
    faults.push_back(
        {"spec.source.postgres.replicationSlot",
         "is for mode CDCOnly alone: a load needs a slot made at its start; remove it, or set spec.mode "
         "to CDCOnly"});
  if (!postgres.replication_slot.empty() && postgres.publication.empty() && spec.mode == Mode::CdcOnly)
    faults.push_back({"spec.source.postgres.replicationSlot",
                      "needs spec.source.postgres.publication: a slot brings nothing from before its "
                      "publication was made; "
                      "name one with the tables that was there before the slot"});
  if (!postgres.publication.empty() && spec.mode == Mode::SnapshotOnly)
    faults.push_back({"spec.source.postgres.publication", "is not used in mode SnapshotOnly; remove it"});
  if (postgres.failover_slot && !postgres.replication_slot.empty())
    faults.push_back(
        {"spec.source.postgres.failoverSlot",
         "is for the slot that Penstock makes; remove it, and make your own with failover => true"});
  if (postgres.failover_slot && spec.mode == Mode::SnapshotOnly)
    faults.push_back({"spec.source.postgres.failoverSlot", "is not used in mode SnapshotOnly; remove it"});
  check_tls(postgres.tls, faults);
}

bool is_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    return !host.empty() &&
           std::all_of(host.begin(), host.end(), [&](char c) { return is_alnum(c) || c == ':' || c == '.'; });
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), [&](char c) {
    return is_alnum(c) || c == '_' || c == '.' || c == '-';
  });
}

bool is_port(std::string_view text) {
  int port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  return ec == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

/// What is wrong with the URL, or empty. Never repeats any of it: it may hold a password.
std::string url_fault(std::string_view url) {
  constexpr const char* kWanted =
      "must be http://host:port or https://host:port, such as https://ch.internal:8443";
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (url.find('@') != std::string_view::npos)
    return "must not hold a user or password: put the user into spec.destination.clickhouse.user and the "
           "password "
           "into a Secret (passwordSecretRef)";
  if (scheme == 0) return kWanted;
  std::string_view authority = url.substr(scheme);
  if (authority.find_first_of("/?#") != std::string_view::npos)
    return "must not have a path, query or fragment; " + std::string(kWanted);
  const auto bracket = authority.rfind(']');  // of an IPv6 address, whose colons are none of a port
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    if (!is_port(authority.substr(colon + 1)))
      return "must have a port from 1 to 65535; " + std::string(kWanted);
    authority = authority.substr(0, colon);
  }
  return is_host(authority) ? "" : kWanted;
}

void check_destination(const ClickHouseSpec& clickhouse, Faults& faults) {
  const std::string path = "spec.destination.clickhouse";
  if (const std::string fault = url_fault(clickhouse.url); !fault.empty())
    faults.push_back({path + ".url", fault});
  if (clickhouse.ca && !clickhouse.url.starts_with("https://"))
    faults.push_back(
        {path + ".caSecretRef", "is used with an https:// url alone; remove it, or change the url"});
}

}  // namespace

void check_spec(const PipeSpec& spec, Faults& faults) {
  check_source(spec, faults);
  check_destination(spec.destination, faults);
  check_texts(spec, faults);
  check_secrets(spec, faults);
  check_tables(spec.tables, faults);
  if (spec.sync.interval < kMinInterval || spec.sync.interval > kMaxInterval)
    faults.push_back({"spec.sync.interval",
                      fmt::format("must be from 10ms to 1h, not {}", to_duration_text(spec.sync.interval))});
}

}  // namespace penstock
