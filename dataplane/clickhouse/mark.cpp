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

/// Takes a count off the front of `rest`. A user may write more behind the mark; what runs into the number is
/// no mark of ours.
std::optional<std::int64_t> take_count(std::string_view& rest) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
  if (error != std::errc() || out < 0) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  constexpr std::string_view kEnds = " ;,\n";
  if (!rest.empty() && kEnds.find(rest.front()) == std::string_view::npos) return std::nullopt;
  return out;
}

}  // namespace

std::string Mark::text() const {
  return fmt::format("{}{}{}{}{}{}", kPrefix, pipe_uid, kGeneration, generation, kLoad, load);
}

std::optional<Mark> Mark::parse(const std::string& comment) {
  std::string_view rest = comment;
  if (!rest.starts_with(kPrefix)) return std::nullopt;
  rest.remove_prefix(kPrefix.size());
  const auto space = rest.find(' ');
  if (space == 0 || space == std::string_view::npos || !rest.substr(space).starts_with(kGeneration))
    return std::nullopt;
  Mark out;
  out.pipe_uid = rest.substr(0, space);
  rest.remove_prefix(space + kGeneration.size());
  const auto generation = take_count(rest);
  if (!generation) return std::nullopt;
  out.generation = *generation;
  if (!rest.starts_with(kLoad)) return out;
  rest.remove_prefix(kLoad.size());
  const auto load = take_count(rest);
  if (!load) return std::nullopt;
  out.load = *load;
  return out;
}

}  // namespace penstock::clickhouse
