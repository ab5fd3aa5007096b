#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {
constexpr std::string_view kPrefix = "penstock pipe=";
constexpr std::string_view kGeneration = " generation=";
}  // namespace

std::string Mark::text() const {
  return fmt::format("{}{}{}{}", kPrefix, pipe_uid, kGeneration, generation);
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
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out.generation);
  if (error != std::errc() || out.generation < 0) return std::nullopt;
  // A user may write more behind the mark; what runs into the number is no mark of ours.
  if (end != rest.data() + rest.size() && *end != ' ' && *end != ';' && *end != ',' && *end != '\n')
    return std::nullopt;
  return out;
}

}  // namespace penstock::clickhouse
