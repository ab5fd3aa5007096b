#include "dataplane/clickhouse/owner.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "dataplane/clickhouse/look.hpp"
#include "dataplane/clickhouse/swap.hpp"

namespace penstock::clickhouse {
namespace {

constexpr const char* kNotOurs = "TargetNotOurs";

const OtherPipe* find(const TakeOver& take_over, const std::string& uid) {
  for (const auto& pipe : take_over.others)
    if (pipe.uid == uid) return &pipe;
  return nullptr;
}

/// The Pipe that the mark names, if it exists and still has such a target.
const OtherPipe* holder(const TakeOver& take_over, const Mark& mark, const std::string& target) {
  const auto* pipe = find(take_over, mark.pipe_uid);
  return pipe && pipe->targets.contains(target) ? pipe : nullptr;
}

std::string name_of(const Mark& mark) {
  return mark.pipe_name.empty() ? fmt::format("another Pipe (UID {})", mark.pipe_uid)
                                : "Pipe " + mark.pipe_name;
}

std::string qualified(const std::string& database, const std::string& table) {
  return quote(database) + "." + quote(table);
}

Status set_comment(Client& client, const TargetTable& table, const Mark& mark) {
  const auto name = qualified(table.database, table.table);
  return client.execute(
      {fmt::format("ALTER TABLE {} MODIFY COMMENT {}", name, literal(mark.in(table.comment))),
       {},
       false,
       true,
       "mark table " + name});
}

Error changed(const TargetDefinition& definition, const char* how) {
  return {ErrorKind::Transient, "TargetChanged",
          fmt::format("target table {} {} while it was made ready",
                      qualified(definition.database, definition.table), how),
          "It is looked at again by itself"};
}

/// With nobody else able to: `<target>_resync` is ours.
Status mark_in_place(Client& client, const TargetDefinition& definition, const TakeOver& take_over,
                     bool to_be_loaded) {
  const auto& uid = definition.mark.pipe_uid;
  PENSTOCK_ASSIGN(const auto present, read_mark(client, definition.table));
  if (!present) return fail(changed(definition, "was dropped"));
  const auto standing = standing_of(present->mark, uid, definition.table, take_over);
  if (standing == Standing::Ours) return {};
  if (standing == Standing::Others) return fail(not_ours(*present, definition.table, take_over));
  if (to_be_loaded && present->engine != "Null") {
    PENSTOCK_ASSIGN(const bool holds, holds_rows(client, definition.table));
    if (holds) return fail(changed(definition, "was written to"));
  }
  auto mark = definition.mark;
  mark.adopted = !present->mark || present->mark->adopted;
  return set_comment(client, *present, mark);
}

/// Where the target is ours: a claim of an earlier try, that was cut off or had found that it was to be
/// staged, goes. Another's was there before a target that was made just now: that one goes first.
Status settle_claims(Client& client, const TargetDefinition& definition, const TakeOver& take_over,
                     bool just_made) {
  const auto& uid = definition.mark.pipe_uid;
  const auto name = staging_name(definition.table);
  PENSTOCK_ASSIGN(const auto beside, read_mark(client, name));
  const auto standing = standing_of(beside ? beside->mark : std::nullopt, uid, definition.table, take_over);
  if (standing == Standing::Ours && !beside->mark->adopted)
    return drop_target(client, definition.database, name);
  if (standing != Standing::Others || !just_made) return {};
  PENSTOCK_TRY(drop_target(client, definition.database, definition.table));
  return fail(not_ours(*beside, definition.table, take_over));
}

}  // namespace

Standing standing_of(const std::optional<Mark>& mark, const std::string& uid, const std::string& target,
                     const TakeOver& take_over) {
  if (!mark) return Standing::Unmarked;
  if (mark->released) return Standing::GivenBack;
  if (mark->pipe_uid == uid) return Standing::Ours;
  return take_over.allowed && !holder(take_over, *mark, target) ? Standing::Forsaken : Standing::Others;
}

bool may_drop(const std::optional<Mark>& mark, Standing standing) {
  return mark && !mark->adopted && (standing == Standing::Ours || standing == Standing::GivenBack);
}

Error not_ours(const TargetTable& present, const std::string& target, const TakeOver& take_over) {
  Error out{ErrorKind::NeedsUser, kNotOurs, "", ""};
  const auto what = fmt::format("target table {}", qualified(present.database, target));
  const auto mark = present.mark.value_or(Mark{});
  const auto* pipe = holder(take_over, mark, target);
  const char* does = present.table == target ? "belongs to" : "is being loaded by";
  if (pipe) {
    out.message = fmt::format("{} {} Pipe {}", what, does, pipe->name);
    out.cure = fmt::format(
        "Name another target in spec.tables[].target; or delete Pipe {0}, or take the table out of it: then "
        "it is taken up here by itself",
        pipe->name);
    return out;
  }
  const auto* knows = find(take_over, mark.pipe_uid);
  out.message = fmt::format("{} {} {}, {}", what, does, knows ? "Pipe " + knows->name : name_of(mark),
                            knows ? "which names it no more" : "which is not known here");
  out.cure = fmt::format(
      "If nothing of that Pipe runs any more, set spec.takeOver: true: it is loaded anew beside the former "
      "one, which is kept as {} (one that this Pipe has had before has to be taken out of spec.tables and "
      "added again). Or name another target in spec.tables[].target",
      kept_name(present.database, target, 1, 1));
  return out;
}

std::optional<Error> staging_fault(const TargetTable& present, const std::string& uid,
                                   const std::string& target, const TakeOver& take_over) {
  const auto standing = standing_of(present.mark, uid, target, take_over);
  if (standing == Standing::Forsaken && !present.mark->adopted) return std::nullopt;
  if (may_drop(present.mark, standing)) return std::nullopt;
  if (standing == Standing::Others) return not_ours(present, target, take_over);
  return Error{ErrorKind::NeedsUser, "ResyncTableExists",
               fmt::format("table {}, which a resync needs the name of, is not this Pipe's",
                           qualified(present.database, present.table)),
               "Rename or drop it"};
}

std::optional<Error> taken_from_us(const std::string& database, const std::string& table,
                                   const std::optional<Mark>& mark, const std::string& uid) {
  if (!mark || mark->pipe_uid == uid) return std::nullopt;
  return Error{
      ErrorKind::Quarantine, kNotOurs,
      fmt::format("table {} is {} now: nothing is written to it any more", qualified(database, table),
                  mark->released ? "given back" : "that of " + name_of(*mark)),
      "Name another target in spec.tables[].target, or delete that Pipe: the table is loaded anew "
      "here by itself then"};
}

Result<std::optional<std::pair<std::size_t, Error>>> find_taken(Client& client,
                                                                const std::vector<std::string>& tables,
                                                                const std::string& uid) {
  using Found = std::optional<std::pair<std::size_t, Error>>;
  std::vector<std::string> names;
  for (const auto& table : tables)
    names.push_back(literal(table));
  if (names.empty()) return Found{};
  const auto& database = client.endpoint().database;
  PENSTOCK_ASSIGN(const auto rows,
                  look(client,
                       fmt::format("SELECT name, comment FROM system.tables WHERE database = {} AND name IN "
                                   "({}) AND comment != ''",
                                   literal(database), fmt::join(names, ", ")),
                       "look at the marks of targets"));
  for (const auto& row : rows) {
    auto error = taken_from_us(database, row.at(0), Mark::parse(row.at(1)), uid);
    const auto at = std::find(tables.begin(), tables.end(), row.at(0));
    if (error && at != tables.end())
      return Found{{static_cast<std::size_t>(at - tables.begin()), *std::move(error)}};
  }
  return Found{};
}

Result<std::optional<TargetTable>> read_mark(Client& client, const std::string& table) {
  const auto& database = client.endpoint().database;
  PENSTOCK_ASSIGN(
      const auto rows,
      look(client,
           fmt::format("SELECT engine, comment FROM system.tables WHERE database = {} AND name = {}",
                       literal(database), literal(table)),
           "look at table " + qualified(database, table)));
  if (rows.empty()) return std::optional<TargetTable>{};
  TargetTable out;
  out.database = database;
  out.table = table;
  out.engine = rows[0].at(0);
  out.comment = rows[0].at(1);
  out.mark = Mark::parse(out.comment);
  return std::optional<TargetTable>(std::move(out));
}

Status claim_target(Client& client, const TargetDefinition& definition, const TakeOver& take_over,
                    bool to_be_loaded, bool just_made) {
  const auto& uid = definition.mark.pipe_uid;
  PENSTOCK_ASSIGN(const auto before, read_mark(client, definition.table));
  if (!before) PENSTOCK_TRY(create_target(client, definition));
  PENSTOCK_ASSIGN(const auto present, read_mark(client, definition.table));
  if (!present) return fail(changed(definition, "was dropped"));
  const auto standing = standing_of(present->mark, uid, definition.table, take_over);
  if (standing == Standing::Others) return fail(not_ours(*present, definition.table, take_over));
  if (standing == Standing::Ours) return settle_claims(client, definition, take_over, just_made || !before);
  auto beside = definition;
  beside.table = staging_name(definition.table);
  // A Null table may have a name that none can have beside it.
  if (name_fits(beside.database, beside.table)) PENSTOCK_TRY(make_staging(client, beside, take_over));
  auto marked = mark_in_place(client, definition, take_over, to_be_loaded);
  auto dropped = drop_staging(client, uid, definition.table);
  return marked ? dropped : marked;
}

Status give_back(Client& client, const std::string& uid, const std::string& table) {
  PENSTOCK_ASSIGN(const auto present, read_mark(client, table));
  if (!present || !present->mark || present->mark->pipe_uid != uid || present->mark->released) return {};
  auto mark = *present->mark;
  mark.released = true;
  return set_comment(client, *present, mark);
}

Result<bool> holds_rows(Client& client, const std::string& table) {
  PENSTOCK_ASSIGN(const auto rows, client.select({"SELECT 1 FROM " + quote(table) + " LIMIT 1", {}}));
  return !rows.empty();
}

}  // namespace penstock::clickhouse
