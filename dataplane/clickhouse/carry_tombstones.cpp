#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "core/log.hpp"
#include "dataplane/clickhouse/carry_sql.hpp"
#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/clickhouse/look.hpp"
#include "dataplane/clickhouse/swap.hpp"

namespace penstock::clickhouse {
namespace {

/// The hashes of so many keys take some 64 MB while a slice is carried.
constexpr std::uint64_t kTombstonesInSlice = 2'000'000;
constexpr const char* kMemoryBeforeDisk = "268435456";
constexpr std::chrono::hours kCountLimit{1};
constexpr std::chrono::hours kSliceLimit{6};  // not a byte comes before the end

/// A value that does not fit its column becomes the default.
Settings carry_settings(const std::string& log_comment) {
  return {{"insert_null_as_default", "1"},
          {"insert_deduplicate", "0"},
          {"max_bytes_before_external_group_by", kMemoryBeforeDisk},
          {"log_comment", log_comment}};
}

/// The server says so of types that it cannot cast, or of values: in many ways.
bool is_refusal(const Error& error) {
  static constexpr std::array kOfTypes{"TargetTypeInvalid", "TargetKeyInvalid", "DestinationNotSupported"};
  return error.kind == ErrorKind::BadData || error.kind == ErrorKind::Internal ||
         std::find(kOfTypes.begin(), kOfTypes.end(), error.reason) != kOfTypes.end();
}

/// An Enum throws at a value that it does not have, where others give NULL.
Result<bool> can_cast(Client& client, const CarriedColumn& column) {
  if (!column.cast) return true;
  if (value_type(column.to).starts_with("Enum") || value_type(column.from).starts_with("Enum")) return false;
  const auto probed = look(client, probe_cast_sql(column), "check column types");
  if (!probed && !is_refusal(probed.error())) return fail(probed.error());
  return probed.has_value();
}

/// Whether anything can be carried: all of the key must be castable, of the others what is not is left out.
Result<bool> keep_castable(Client& client, Carry& carry) {
  for (const auto& column : carry.key) {
    PENSTOCK_ASSIGN(const bool there, can_cast(client, column));
    if (!there) return false;
    PENSTOCK_ASSIGN(const bool back, can_cast(client, {column.name, column.to, column.from, column.cast}));
    if (!back) return false;
  }
  std::vector<CarriedColumn> castable;
  for (auto& column : carry.others) {
    PENSTOCK_ASSIGN(const bool can, can_cast(client, column));
    if (can) castable.push_back(std::move(column));
  }
  carry.others = std::move(castable);
  return true;
}

bool casts_any(const Carry& carry) {
  const auto casts = [](const CarriedColumn& column) { return column.cast; };
  return std::any_of(carry.key.begin(), carry.key.end(), casts) ||
         std::any_of(carry.others.begin(), carry.others.end(), casts);
}

Result<std::uint64_t> count_tombstones(Client& client, const Carry& carry) {
  PENSTOCK_ASSIGN(const auto rows, client.select({count_tombstones_sql(carry),
                                                  {},
                                                  true,
                                                  true,
                                                  "count the deleted rows of " + quote(carry.target),
                                                  kCountLimit}));
  std::uint64_t out = 0;
  if (rows.empty()) return out;
  const auto& text = rows.front().at(0);
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

Status carry_tombstones(Client& client, const std::string& target, const std::string& staging) {
  const auto purpose = fmt::format("carry the deleted rows of {} over to {}", quote(target), quote(staging));
  const auto log_comment =
      fmt::format("penstock carry database={} table={}", client.endpoint().database, staging);
  PENSTOCK_TRY(none_runs(client, log_comment, purpose));
  PENSTOCK_ASSIGN(const auto from, read_target(client, target));
  PENSTOCK_ASSIGN(const auto to, read_target(client, staging));
  if (!from || !to) return {};
  auto carry = plan_carry(*from, *to);
  if (!carry) return {};
  PENSTOCK_ASSIGN(const auto tombstones, count_tombstones(client, *carry));
  if (tombstones == 0) return {};
  PENSTOCK_ASSIGN(const bool possible, keep_castable(client, *carry));
  if (!possible) return {};
  const auto carry_all = [&]() -> Status {
    const auto slices = 1 + tombstones / kTombstonesInSlice;
    for (std::uint64_t slice = 0; slice < slices; ++slice)
      PENSTOCK_TRY(client.execute(
          {carry_sql(*carry, slice, slices), carry_settings(log_comment), true, true, purpose, kSliceLimit}));
    return {};
  };
  const auto carried = carry_all();
  if (carried || !is_refusal(carried.error()) || !casts_any(*carry)) return carried;
  // Some casts throw at a value, as of a time that an integer cannot hold. A key that may be another column
  // altogether is no reason to hold up a resync.
  log::info("swap", "{}; without the columns whose types have changed", carried.error().text());
  std::erase_if(carry->others, [](const CarriedColumn& column) { return column.cast; });
  return casts_any(*carry) ? Status{} : carry_all();
}

}  // namespace penstock::clickhouse
