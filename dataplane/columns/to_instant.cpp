#include <limits>

#include "dataplane/columns/big_endian.hpp"
#include "dataplane/columns/conversions.hpp"
#include "dataplane/columns/time_text.hpp"
#include "dataplane/columns/wide_integer.hpp"

namespace penstock::conversions {

namespace {

using Kind = ColumnType::Kind;

// PostgreSQL counts from 2000-01-01 (PostgreSQL source, datatype/timestamp.h), ClickHouse from 1970-01-01.
constexpr std::int64_t kDaysTo2000 = 10'957;
constexpr std::int64_t kMicrosTo2000 = kDaysTo2000 * kMicrosPerDay;

// ClickHouse docs, "Date32" and "DateTime64": 1900-01-01 to 2299-12-31.
constexpr std::int64_t kFirstDay = -25'567;
constexpr std::int64_t kLastDay = 120'529;
constexpr std::int64_t kFirstMicro = kFirstDay * kMicrosPerDay;
constexpr std::int64_t kLastMicro = (kLastDay + 1) * kMicrosPerDay - 1;

struct Clamping {
  std::int64_t value;
  FieldOutcome outcome;
};

/// `value` or the nearer edge.
Clamping clamp(std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low) return {low, FieldOutcome::Clamped};
  if (value > high) return {high, FieldOutcome::Clamped};
  return {value, FieldOutcome::Exact};
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value / by - static_cast<std::int64_t>(value % by < 0);
}

Clamping clamp_days(const Instant& instant, std::int64_t low, std::int64_t high) {
  if (instant.side == Instant::Side::Past) return {low, FieldOutcome::Clamped};
  if (instant.side == Instant::Side::Future) return {high, FieldOutcome::Clamped};
  return clamp(instant.days, low, high);
}

/// Microseconds since 1970 within [low, high], which lie within DateTime64's range.
Clamping clamp_micros(const Instant& instant, std::int64_t low, std::int64_t high) {
  const Clamping days = clamp_days(instant, kFirstDay, kLastDay);
  if (days.outcome == FieldOutcome::Exact)
    return clamp(days.value * kMicrosPerDay + instant.micros, low, high);
  return {days.value == kFirstDay ? low : high, FieldOutcome::Clamped};
}

/// Ticks of a DateTime64(precision). One coarser than microseconds drops the fraction, as its owner chose;
/// one of nanoseconds ends in 2262 with Int64.
Clamping to_ticks(const Instant& instant, int precision) {
  if (precision <= 6) {
    const Clamping micros = clamp_micros(instant, kFirstMicro, kLastMicro);
    return {floor_divide(micros.value, static_cast<std::int64_t>(power_of_ten(6 - precision))),
            micros.outcome};
  }
  const auto factor = static_cast<std::int64_t>(power_of_ten(precision - 6));
  const std::int64_t last = std::min(kLastMicro, std::numeric_limits<std::int64_t>::max() / factor);
  const Clamping micros = clamp_micros(instant, kFirstMicro, last);
  return {micros.value * factor, micros.outcome};
}

template <Kind target>
FieldOutcome store(const Conversion& conversion, Column& column, const Instant& instant) {
  Clamping clamped{};
  if constexpr (target == Kind::Date) {
    clamped = clamp_days(instant, 0, std::numeric_limits<std::uint16_t>::max());
    column.append_fixed(static_cast<std::uint16_t>(clamped.value));
  } else if constexpr (target == Kind::Date32) {
    clamped = clamp_days(instant, kFirstDay, kLastDay);
    column.append_fixed(static_cast<std::int32_t>(clamped.value));
  } else if constexpr (target == Kind::DateTime) {
    constexpr std::int64_t kLastSecond = std::numeric_limits<std::uint32_t>::max();
    clamped = clamp_micros(instant, 0, kLastSecond * 1'000'000 + 999'999);
    column.append_fixed(static_cast<std::uint32_t>(clamped.value / 1'000'000));
  } else {
    clamped = to_ticks(instant, conversion.precision);
    column.append_fixed(clamped.value);
  }
  return clamped.outcome;
}

template <Kind target>
FieldOutcome date_binary(const Conversion& conversion, Column& column, std::string_view bytes) {
  if (bytes.size() != sizeof(std::int32_t)) return FieldOutcome::Malformed;
  const auto days = load_big_endian<std::int32_t>(bytes.data());
  Instant instant;
  if (days == std::numeric_limits<std::int32_t>::min()) instant.side = Instant::Side::Past;
  if (days == std::numeric_limits<std::int32_t>::max()) instant.side = Instant::Side::Future;
  instant.days = days + kDaysTo2000;
  return store<target>(conversion, column, instant);
}

template <Kind target>
FieldOutcome timestamp_binary(const Conversion& conversion, Column& column, std::string_view bytes) {
  if (bytes.size() != sizeof(std::int64_t)) return FieldOutcome::Malformed;
  const auto micros = load_big_endian<std::int64_t>(bytes.data());
  Instant instant;  // infinities are the ends of the range, days that every target clamps
  const std::int64_t days = floor_divide(micros, kMicrosPerDay);
  instant.micros = micros - days * kMicrosPerDay;
  instant.days = days + kDaysTo2000;
  return store<target>(conversion, column, instant);
}

/// The common case, DateTime64(6), in a comparison and an addition. Clamps before it adds: infinity would
/// overflow.
FieldOutcome timestamp_to_micros(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  if (bytes.size() != sizeof(std::int64_t)) return FieldOutcome::Malformed;
  const auto micros = load_big_endian<std::int64_t>(bytes.data());
  const Clamping clamped = clamp(micros, kFirstMicro - kMicrosTo2000, kLastMicro - kMicrosTo2000);
  column.append_fixed(clamped.value + kMicrosTo2000);
  return clamped.outcome;
}

template <Kind target>
FieldOutcome instant_text(const Conversion& conversion, Column& column, std::string_view bytes) {
  const auto instant = parse_instant(bytes);
  return instant ? store<target>(conversion, column, *instant) : FieldOutcome::Malformed;
}

template <Kind target>
Forms forms(TypeFamily source) {
  if (source == TypeFamily::Date) return {date_binary<target>, instant_text<target>};
  if (source == TypeFamily::Timestamp) return {timestamp_binary<target>, instant_text<target>};
  return from_foreign_text<instant_text<target>>(source);
}

/// A time to Time64(precision) ticks; coarser ones drop the fraction, as their owner chose.
FieldOutcome store_time(const Conversion& conversion, Column& column, std::int64_t micros) {
  const int precision = conversion.precision;
  column.append_fixed(precision <= 6 ? micros / static_cast<std::int64_t>(power_of_ten(6 - precision))
                                     : micros * static_cast<std::int64_t>(power_of_ten(precision - 6)));
  return FieldOutcome::Exact;
}

FieldOutcome time_binary(const Conversion& conversion, Column& column, std::string_view bytes) {
  if (bytes.size() != sizeof(std::int64_t)) return FieldOutcome::Malformed;
  const auto micros = load_big_endian<std::int64_t>(bytes.data());
  if (micros < 0 || micros > kMicrosPerDay) return FieldOutcome::Malformed;
  return store_time(conversion, column, micros);
}

FieldOutcome time_text(const Conversion& conversion, Column& column, std::string_view bytes) {
  const auto micros = parse_time(bytes);
  return micros ? store_time(conversion, column, *micros) : FieldOutcome::Malformed;
}

}  // namespace

Forms to_instant(TypeFamily source, const ColumnType& target) {
  switch (target.kind) {
    case Kind::Date:
      return forms<Kind::Date>(source);
    case Kind::Date32:
      return forms<Kind::Date32>(source);
    case Kind::DateTime:
      return forms<Kind::DateTime>(source);
    case Kind::DateTime64:
      if (source == TypeFamily::Timestamp && target.precision == 6) {
        return {timestamp_to_micros, instant_text<Kind::DateTime64>};
      }
      return forms<Kind::DateTime64>(source);
    default:
      return {};
  }
}

Forms to_time(TypeFamily source) {
  return source == TypeFamily::Time ? Forms{time_binary, time_text} : from_foreign_text<time_text>(source);
}

}  // namespace penstock::conversions
