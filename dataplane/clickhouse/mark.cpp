#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

constexpr std::string_view kPrefix = "penstock pipe=";
constexpr std::string_view kGeneration = " generation=";
constexpr std::string_view kLoad = " load=";
constexpr std::string_view kName = " name=";
constexpr std::string_view kAdopted = " adopted";
constexpr std::string_view kReleased = " released";
/// A user may write more behind the mark; what runs into one of its words is no mark of ours.
constexpr std::string_view kEnds = " ;,\n";

bool at_an_end(std::string_view rest) {
  return rest.empty() || kEnds.find(rest.front()) != std::string_view::npos;
}

bool take(std::string_view& rest, std::string_view word) {
  if (!rest.starts_with(word)) return false;
  rest.remove_prefix(word.size());
  return true;
}

/// Takes a count off the front of `rest`.
std::optional<std::int64_t> take_count(std::string_view& rest) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
  if (error != std::errc() || out < 0) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (!at_an_end(rest)) return std::nullopt;
  return out;
}

bool take_flag(std::string_view& rest, std::string_view flag) {
  auto behind = rest;
  if (!take(behind, flag) || !at_an_end(behind)) return false;
  rest = behind;
  return true;
}

/// Takes the mark off the front of `rest`, which is then what its user has written behind it.
std::optional<Mark> take_mark(std::string_view& rest) {
  if (!take(rest, kPrefix)) return std::nullopt;
  const auto space = rest.find(' ');
  if (space == 0 || space == std::string_view::npos || !rest.substr(space).starts_with(kGeneration))
    return std::nullopt;
  Mark out;
  out.pipe_uid = rest.substr(0, space);
  rest.remove_prefix(space + kGeneration.size());
  const auto generation = take_count(rest);
  if (!generation) return std::nullopt;
  out.generation = *generation;
  if (!take(rest, kLoad)) return out;
  const auto load = take_count(rest);
  if (!load) return std::nullopt;
  out.load = *load;
  if (take(rest, kName)) {
    out.pipe_name = rest.substr(0, rest.find_first_of(kEnds));
    rest.remove_prefix(out.pipe_name.size());
  }
  out.adopted = take_flag(rest, kAdopted);
  out.released = take_flag(rest, kReleased);
  return out;
}

}  // namespace

std::string Mark::text() const {
  auto out = fmt::format("{}{}{}{}{}{}", kPrefix, pipe_uid, kGeneration, generation, kLoad, load);
  if (!pipe_name.empty()) out += fmt::format("{}{}", kName, pipe_name);
  if (adopted) out += kAdopted;
  if (released) out += kReleased;
  return out;
}

std::optional<Mark> Mark::parse(const std::string& comment) {
  std::string_view rest = comment;
  return take_mark(rest);
}

std::string Mark::in(const std::string& comment) const {
  std::string_view rest = comment;
  if (take_mark(rest)) return text() + std::string(rest);
  return comment.empty() ? text() : text() + "; " + comment;
}

}  // namespace penstock::clickhouse
