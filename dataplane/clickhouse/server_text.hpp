#pragma once

// Text that a server or library gave us, made fit for a message: short, one line, valid UTF-8.

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock::clickhouse {

/// Runs of white space as one blank, none at the ends.
[[nodiscard]] std::string one_line(std::string_view text);
/// At most `limit` bytes, cut between characters, "…" appended when something was cut.
[[nodiscard]] std::string shortened(std::string text, std::size_t limit);

/// The exception's own words out of an answer's body: without "Code: 60. DB::Exception: ", version and stack
/// trace.
[[nodiscard]] std::string exception_text(std::string_view body);

/// The exception code of an answer: the header's when there was one, else what the body says ("Code: 60.
/// DB::…"), also where an exception came after a status of 200 (ClickHouse docs, "HTTP Interface"). 0: none.
[[nodiscard]] int exception_code(int from_header, int status, std::string_view body);

}  // namespace penstock::clickhouse
