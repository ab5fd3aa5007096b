#include "dataplane/pipeline/source_definition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <tuple>

namespace penstock::pipeline {
namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has(const postgres::pgoutput::Relation& relation, const std::string& name) {
  return std::any_of(relation.columns.begin(), relation.columns.end(),
                     [&](const auto& column) { return column.name == name; });
}

/// Labels may be added to an enum; one that was there is to stay as it was, and so are composites.
bool keeps_parts(const std::string& known, const std::string& now) {
  const auto words = [](const std::string& text, char kind) {
    std::set<std::string> out;
    std::istringstream in(text);
    for (std::string word; in >> word;)
      if (word.front() == kind) out.insert(word);
    return out;
  };
  const auto labels = words(known, 'e'), present = words(now, 'e');
  return words(known, 'c') == words(now, 'c') &&
         std::includes(present.begin(), present.end(), labels.begin(), labels.end());
}

/// The type was altered without a row being written anew, and its values have another text than those of
/// `former`.
bool reprints(const DefinedColumn& present, std::uint32_t former) {
  const auto& reprinted = present.reprinted_from;
  return std::find(reprinted.begin(), reprinted.end(), former) != reprinted.end();
}

std::string retyped(const std::string& column) {
  return fmt::format("the type of column {} was altered: earlier rows have its former values", column);
}

void compare_column(const DefinedColumn& known, const SourceDefinition& now, std::vector<std::string>& out) {
  if (known.excluded) return;
  const auto* present = by_number(now, known.number);
  const auto* namesake = by_name(now, known.name);
  const bool replaced = namesake && namesake->number != known.number;
  if (replaced && !known.generated) {
    out.push_back(fmt::format(
        "column {} {}, and another column has its name now: earlier rows have the former one's values",
        known.name, present ? fmt::format("is named {} now", present->name) : "was dropped"));
  } else if (present && present->name != known.name && !known.generated) {
    out.push_back(fmt::format("column {} is named {} now: earlier rows lack it under that name", known.name,
                              present->name));
  }
  if (!present) return;
  if (known.generated && !present->generated)
    out.push_back(fmt::format("column {} is no longer generated: earlier rows lack it", present->name));
  if (!known.generated &&
      (reprints(*present, known.type) || !keeps_parts(known.type_parts, present->type_parts)))
    out.push_back(retyped(known.name));
}

/// The number of a column that came and went between two looks; 0: of none.
int unknown_number(const SourceDefinition& known, const SourceDefinition& now) {
  if (known.last_number == 0) return 0;
  for (int number = known.last_number + 1; number <= now.last_number; ++number)
    if (!by_number(known, number) && !by_number(now, number)) return number;
  return 0;
}

/// A column that came and went between two looks, and another that came after it: what the stream brought of
/// the one under its name may be in the other.
void compare_numbers(const SourceDefinition& known, const SourceDefinition& now,
                     std::vector<std::string>& out) {
  const int passed = unknown_number(known, now);
  if (passed == 0) return;
  for (const auto& column : now.columns)
    if (column.number > passed && !column.generated && !column.excluded)
      out.push_back(
          fmt::format("a column was added and dropped before column {} was added: what was written to the "
                      "former one may be in the latter",
                      column.name));
}

/// What pgoutput sends of a definition at least, in its order.
std::vector<const DefinedColumn*> sent_columns(const SourceDefinition& definition) {
  std::vector<const DefinedColumn*> out;
  for (const auto& column : definition.columns)
    if (!column.generated && column.published) out.push_back(&column);
  return out;
}

/// A child of plain inheritance is published, and taken out, by itself.
std::string incarnation_of(const postgres::PublicationFacts& publication,
                           const postgres::SourceTable& table) {
  const auto* own = postgres::published_as(publication, table.name);
  if (!own) return "";
  auto out = own->incarnation;
  for (const auto& heap : table.heaps) {
    if (table.kind == 'p' || heap.oid == table.oid) continue;
    const auto* child = postgres::published_as(publication, heap.name);
    out += fmt::format(",{}:{}", heap.oid, child ? child->incarnation : "not published");
  }
  return out;
}

/// Whether columns of these numbers, in this order, are still in order when the one at `place` has another.
bool would_be_in_order(std::vector<int> numbers, std::size_t place, int number) {
  numbers[place] = number;
  return std::is_sorted(numbers.begin(), numbers.end());
}

/// Whether the relation lacks but the last columns of the definition, and such as were dropped since: it is
/// of before those were added. One that has the name of a dropped column may as well be another of that type,
/// renamed for a while, where such a one is lacking and would stand in its place.
bool is_older(const SourceDefinition& definition, const SourceDefinition& now,
              const postgres::pgoutput::Relation& relation) {
  const auto sent = sent_columns(definition);
  std::vector<const DefinedColumn*> had;
  auto at = sent.begin();
  for (const auto& column : relation.columns) {
    const auto* generated = by_name(definition, column.name);
    if (generated && generated->generated) continue;
    at = std::find_if(at, sent.end(), [&](const auto* one) {
      return one->name == column.name || by_number(now, one->number);
    });
    if (at == sent.end() || (*at)->name != column.name) return false;
    had.push_back(*at);
    ++at;
  }
  std::vector<int> numbers;
  for (const auto* one : had)
    numbers.push_back(one->number);
  for (std::size_t place = 0; place < had.size(); ++place)
    for (const auto* lacking : sent) {
      const bool other = by_number(now, lacking->number) && !by_number(now, had[place]->number) &&
                         std::find(had.begin(), had.end(), lacking) == had.end();
      if (other && lacking->type == had[place]->type && lacking->typmod == had[place]->typmod &&
          would_be_in_order(numbers, place, lacking->number))
        return false;
    }
  return true;
}

/// Columns that are new to the definition, and traded names since the relation's rows were written: it has
/// them in the order of their numbers.
void compare_order(const SourceDefinition& known, const SourceDefinition& now,
                   const postgres::pgoutput::Relation& relation, std::vector<std::string>& out) {
  int last = 0;
  for (const auto& column : relation.columns) {
    const auto* present = by_name(now, column.name);
    if (!present || present->generated || present->excluded) continue;
    if (present->number < last && (!by_number(known, present->number) || !by_number(known, last)))
      out.push_back(fmt::format("column {} had another name for a while", column.name));
    last = std::max(last, present->number);
  }
}

/// Generated columns may be among the relation's (PostgreSQL 18, publish_generated_columns), or may not.
bool is_sent_as(const postgres::pgoutput::Relation& relation, const SourceDefinition& definition) {
  auto at = relation.columns.begin();
  for (const auto& column : definition.columns) {
    const bool sent = at != relation.columns.end() && at->name == column.name;
    if (!sent && !column.generated) return false;
    if (sent) ++at;
  }
  return at == relation.columns.end();
}

}  // namespace

const DefinedColumn* by_number(const SourceDefinition& definition, int number) {
  const auto at = std::find_if(definition.columns.begin(), definition.columns.end(),
                               [&](const auto& column) { return column.number == number; });
  return at == definition.columns.end() ? nullptr : &*at;
}

const DefinedColumn* by_name(const SourceDefinition& definition, std::string_view name) {
  const auto at = std::find_if(definition.columns.begin(), definition.columns.end(),
                               [&](const auto& column) { return column.name == name; });
  return at == definition.columns.end() ? nullptr : &*at;
}

bool is_excluded(const TableJob& job, const SourceDefinition* known, const postgres::SourceColumn& column) {
  if (holds(job.excluded_columns, column.name)) return true;
  const auto* before = known ? by_number(*known, column.attribute_number) : nullptr;
  return before ? before->excluded : !column.published;
}

SourceDefinition define(const TableJob& job, const postgres::SourceTable& table,
                        const std::vector<std::string>& target_key,
                        const postgres::PublicationFacts* publication) {
  SourceDefinition out;
  out.oid = table.oid;
  out.persistence = table.persistence;
  out.last_number = out.seen_number = table.last_number;
  for (const auto& column : table.columns) {
    if (column.attribute_number == 0) continue;  // the stream still brings it; the catalog has it no more
    out.columns.push_back({column.attribute_number, column.name, column.declared_type, column.declared_typmod,
                           column.generated, is_excluded(job, nullptr, column), column.type_parts,
                           column.published, false, column.reprinted_from});
  }
  for (const auto& key : table.unique_keys)
    if (std::all_of(key.columns.begin(), key.columns.end(),
                    [&](const auto& column) { return holds(target_key, column); }))
      out.unique_keys.push_back(key.oid);
  if (publication) out.publication = incarnation_of(*publication, table);
  return out;
}

std::vector<std::string> differences(const SourceDefinition& known, const SourceDefinition& now) {
  std::vector<std::string> out;
  if (now.persistence == 'u' && known.persistence != 'u')
    out.emplace_back("it is unlogged: its changes are in no WAL");
  for (const auto& column : known.columns)
    compare_column(column, now, out);
  compare_numbers(known, now, out);
  const bool same_key =
      std::any_of(known.unique_keys.begin(), known.unique_keys.end(), [&](std::uint32_t key) {
        return std::find(now.unique_keys.begin(), now.unique_keys.end(), key) != now.unique_keys.end();
      });
  if (!same_key && !known.unique_keys.empty())
    out.emplace_back("its key was dropped and created again: rows may have shared a key meanwhile");
  if (!known.publication.empty() && !now.publication.empty() && known.publication != now.publication)
    out.emplace_back(
        "its publication was altered (operations, row filter, column list, or the table taken out): changes "
        "may not have been published, or rows and columns be others than were loaded");
  return out;
}

SourceDefinition with_followed(SourceDefinition known, const SourceDefinition& now,
                               const std::vector<std::string>& target_columns) {
  for (const auto& column : now.columns) {
    const bool followed = column.generated || column.excluded || holds(target_columns, column.name);
    if (by_number(known, column.number) || !followed) continue;
    // An excluded column that was dropped and added again is known by its new number from then on.
    std::erase_if(known.columns, [&](const auto& one) {
      return one.excluded && column.excluded && one.name == column.name && !by_number(now, one.number);
    });
    if (!by_name(known, column.name)) known.columns.push_back(column);
  }
  const bool all_known = std::all_of(now.columns.begin(), now.columns.end(), [&](const auto& column) {
    return by_number(known, column.number) != nullptr;
  });
  for (auto& column : known.columns)
    if (all_known && column.excluded && !by_number(now, column.number)) column.gone = true;
  return known;
}

SourceDefinition with_numbers(SourceDefinition known, const SourceDefinition& now, bool stream_has_passed) {
  const int passed = unknown_number(known, now);
  if (passed == 0 || (stream_has_passed && known.seen_number >= passed)) known.last_number = now.last_number;
  known.seen_number = now.last_number;
  return known;
}

SourceDefinition with_types(SourceDefinition known, const SourceDefinition& now) {
  for (auto& column : known.columns)
    if (const auto* present = by_number(now, column.number); present && present->name == column.name)
      std::tie(column.type, column.typmod, column.type_parts) =
          std::tie(present->type, present->typmod, present->type_parts);
  return known;
}

SourceDefinition joined(SourceDefinition known, const SourceDefinition& other) {
  for (const auto& column : other.columns) {
    const auto here = std::find_if(known.columns.begin(), known.columns.end(),
                                   [&](const auto& one) { return one.number == column.number; });
    if (here == known.columns.end())
      known.columns.push_back(column);
    else
      here->gone = here->gone || column.gone;
  }
  std::sort(known.columns.begin(), known.columns.end(),
            [](const auto& one, const auto& two) { return one.number < two.number; });
  return known;
}

std::string joined(const std::string& known, const std::string& other) {
  const auto one = SourceDefinition::parse(known), two = SourceDefinition::parse(other);
  if (!one || !two || one->oid != two->oid) return known.empty() ? other : known;
  return joined(*one, *two).text();
}

SourceDefinition as_in_part(const SourceDefinition& root, const SourceDefinition& root_now,
                            const postgres::SourceTable& part) {
  SourceDefinition out;
  for (const auto& own : part.columns) {
    const auto* now = by_name(root_now, own.name);
    const auto* then = now ? by_number(root, now->number) : nullptr;
    if (own.attribute_number == 0 || (now && !then)) continue;
    DefinedColumn alone;  // the part's, and not its root's
    std::tie(alone.name, alone.generated) = std::tie(own.name, own.generated);
    out.columns.push_back(then ? *then : alone);
    out.columns.back().number = own.attribute_number;
  }
  return out;
}

std::vector<std::string> passing_differences(const SourceDefinition& known, const SourceDefinition& now,
                                             const postgres::pgoutput::Relation& relation) {
  std::vector<std::string> out;
  compare_order(known, now, relation, out);
  if (is_older(known, now, relation)) return out;
  auto at = relation.columns.begin();
  for (const auto* column : sent_columns(known)) {
    const auto* present = by_number(now, column->number);
    if (!present || present->name != column->name || present->generated || column->excluded) continue;
    const auto found =
        std::find_if(at, relation.columns.end(), [&](const auto& one) { return one.name == column->name; });
    if (found != relation.columns.end()) {
      at = found + 1;
    } else if (!relation.columns.empty()) {
      out.push_back(fmt::format(
          "column {} was missing from the stream for a while (renamed, or not published)", column->name));
    }
  }
  return out;
}

std::vector<std::string> passing_types(const SourceDefinition& now,
                                       const postgres::pgoutput::Relation& relation) {
  std::vector<std::string> out;
  for (const auto& column : relation.columns) {
    const auto* present = by_name(now, column.name);
    if (present && !present->generated && !present->excluded && reprints(*present, column.type))
      out.push_back(retyped(present->name));
  }
  return out;
}

std::optional<std::vector<std::string>> excluded_names(const SourceDefinition& known,
                                                       const SourceDefinition& now,
                                                       const postgres::pgoutput::Relation& relation) {
  const auto excluded = [&](const DefinedColumn& column) {
    const auto* before = by_number(known, column.number);
    return column.excluded || (before && before->excluded);
  };
  const auto names_in = [&](const SourceDefinition& side, std::vector<std::string>& out) {
    for (const auto& column : side.columns)
      if (excluded(column) && has(relation, column.name)) out.push_back(column.name);
  };
  const bool as_known = is_sent_as(relation, known) || is_older(known, now, relation);
  const bool as_now = is_sent_as(relation, now);
  std::vector<std::string> out;
  if (as_known || !as_now) names_in(known, out);
  if (as_now || !as_known) names_in(now, out);
  const bool any = std::any_of(known.columns.begin(), known.columns.end(), excluded) ||
                   std::any_of(now.columns.begin(), now.columns.end(), excluded);
  if (!any || as_known || as_now) return out;
  // Between the two: certain where both sides know each column by its name, in the order of the numbers.
  int last = 0;
  for (const auto& column : relation.columns) {
    const auto* before = by_name(known, column.name);
    const auto* after = by_name(now, column.name);
    const auto* one = before ? before : after;
    const bool certain = one && (before && after ? before->number == after->number
                                                 : !before && !by_number(known, after->number));
    if (!certain || one->number <= last) return std::nullopt;
    last = one->number;
  }
  return out;
}

}  // namespace penstock::pipeline
