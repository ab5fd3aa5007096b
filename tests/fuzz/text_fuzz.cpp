#include <nlohmann/json.hpp>

#include "controller/apiserver/rfc3339.hpp"
#include "controller/cli/listen_address.hpp"
#include "core/base64.hpp"
#include "core/lsn.hpp"
#include "core/row_version.hpp"
#include "core/utf8.hpp"
#include "crds/time_text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock {
namespace {

// What is read is what was written, to the microsecond that is kept.
void times(std::string_view text) {
  if (const auto time = parse_rfc3339(text)) FUZZ_REQUIRE(parse_rfc3339(to_rfc3339_micro(*time)) == *time);
  if (const auto time = apiserver::parse_rfc3339(text)) {
    const auto written = apiserver::parse_rfc3339(apiserver::rfc3339(*time));
    FUZZ_REQUIRE(written && *written <= *time && *time - *written < std::chrono::seconds(1));
  }
  if (const auto duration = parse_duration(text))
    FUZZ_REQUIRE(parse_duration(to_duration_text(*duration)) == *duration);
}

}  // namespace

// Short texts that stand for one value: each survives being written and read again.
PENSTOCK_FUZZ(text, bytes) {
  FUZZ_REQUIRE(base64_decode(base64_encode(bytes)) == bytes);
  if (const auto decoded = base64_decode(bytes))
    FUZZ_REQUIRE(base64_decode(base64_encode(*decoded)) == *decoded);
  if (const auto lsn = Lsn::parse(bytes)) FUZZ_REQUIRE(Lsn::parse(lsn->text()) == *lsn);
  if (const auto version = RowVersion::parse(bytes))
    FUZZ_REQUIRE(RowVersion::parse(version->text()) == *version);
  const auto valid = valid_utf8(bytes);
  (void)nlohmann::json(valid).dump();  // throws for what is not UTF-8
  FUZZ_REQUIRE(valid_utf8(valid) == valid && valid.size() == bytes.size());
  times(bytes);
  if (const auto address = cli::parse_listen_address("--api", bytes)) FUZZ_REQUIRE(!address->host.empty());
}

}  // namespace penstock
