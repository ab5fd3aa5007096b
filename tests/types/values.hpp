#pragma once

// Texts that PostgreSQL's input functions take, by kind: edges of the type, and what nobody would think of.

#include <string>

#include "tests/types/random.hpp"

namespace penstock::types {

std::string any_integer(Random& random, int bytes);
std::string any_float4(Random& random);
std::string any_float8(Random& random);
/// With at most this many digits before and behind the point.
std::string any_decimal(Random& random, int whole, int fraction);
/// Of a numeric without a precision: beyond what any Decimal holds, too.
std::string any_unbounded(Random& random);
/// UTF-8 of at most `most` characters.
std::string any_text(Random& random, int most);
/// Half a number, a date or the like: what the manifest may want something else of than a text.
std::string any_foreign_text(Random& random);
std::string any_bytea(Random& random);
std::string any_uuid(Random& random);
std::string any_date(Random& random);
/// `digits` of the second's fraction.
std::string any_timestamp(Random& random, int digits = 6);
std::string any_time(Random& random, int digits = 6);
std::string any_interval(Random& random);
std::string any_json(Random& random);
/// Without what json takes and jsonb does not.
std::string any_jsonb(Random& random);
std::string any_inet(Random& random);
std::string any_bits(Random& random, int least, int most);

}  // namespace penstock::types
