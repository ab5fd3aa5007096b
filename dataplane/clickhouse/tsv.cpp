#include "dataplane/clickhouse/tsv.hpp"

#include <utility>

namespace penstock::clickhouse {
namespace {

/// The character that a backslash and `c` stand for; any other character stands for itself.
char unescaped(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '0':
      return '\0';
    default:
      return c;
  }
}

}  // namespace

Result<Rows> parse_tsv(std::string_view body) {
  Rows rows;
  Row row;
  std::string value;
  bool escaped = false;
  for (const char c : body) {
    if (escaped) {
      if (c == 'N') value += '\\';  // \N is NULL and stays as it is: no string comes escaped like this
      value += unescaped(c);
      escaped = false;
    } else if (c == '\\') {
      escaped = true;
    } else if (c == '\t' || c == '\n') {
      row.push_back(std::exchange(value, {}));
      if (c == '\n') rows.push_back(std::exchange(row, {}));
    } else {
      value += c;
    }
  }
  if (escaped || !row.empty() || !value.empty())
    return fail(ErrorKind::Transient, "DestinationAnswerTorn",
                "ClickHouse's answer ends in the middle of a row");
  return rows;
}

}  // namespace penstock::clickhouse
