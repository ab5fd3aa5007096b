#include "tests/types/target_values.hpp"

#include <fmt/format.h>

#include <cstring>

namespace penstock::types {
namespace {

/// Reads what ClickHouse writes as RowBinary.
class Reader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] bool done() const { return at_ == bytes_.size(); }
  int int32() {
    std::int32_t out = 0;
    std::memcpy(&out, bytes_.substr(at_, sizeof out).c_str(), sizeof out);
    at_ += sizeof out;
    return out;
  }
  std::string string() {
    std::size_t size = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.at(at_++));
      size |= static_cast<std::size_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  test::Value nullable() { return bytes_.at(at_++) != 0 ? test::Value() : string(); }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

std::string shown(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, 300))
    out += static_cast<unsigned char>(c) < ' ' ? fmt::format("\\x{:02x}", static_cast<unsigned char>(c))
                                               : std::string(1, c);
  return out;
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (const unsigned char c : bytes.substr(0, 100))
    out += fmt::format("{:02x}", c);
  return out;
}

}  // namespace

std::map<int, std::vector<test::Value>> source_rows(test::PostgresSession& session, const std::string& table,
                                                    const std::vector<std::string>& columns) {
  std::string list;
  // IS NULL is also true of a row value of NULLs, which is none.
  for (const auto& column : columns)
    list += fmt::format(", {0}, {0} IS NOT DISTINCT FROM NULL", column);
  std::map<int, std::vector<test::Value>> out;
  for (const auto& row : session.query(fmt::format("SELECT id{} FROM {}", list, table))) {
    auto& values = out[std::stoi(row[0])];
    for (std::size_t at = 1; at < row.size(); at += 2)
      values.push_back(row[at + 1] == "t" ? test::Value() : test::Value(row[at]));
  }
  return out;
}

std::map<int, std::vector<Held>> target_rows(test::EngineServer& engine, const std::string& database,
                                             const std::vector<TargetColumn>& columns) {
  std::string list;
  for (const auto& [name, type] : columns) {
    const bool ruled = type.find("JSON") == std::string::npos;
    const auto text = ruled ? test::TextRule{type}.target_expression(name) : "CAST(NULL AS Nullable(String))";
    list += fmt::format(", formatRow('RowBinary', {}), {}", name, text);
  }
  Reader bytes(engine.query(fmt::format(
      "SELECT id{} FROM {}.t FINAL WHERE _penstock_deleted = 0 FORMAT RowBinary", list, database)));
  std::map<int, std::vector<Held>> out;
  while (!bytes.done()) {
    auto& values = out[bytes.int32()];
    for (std::size_t at = 0; at < columns.size(); ++at) {
      auto row_binary = bytes.string();
      values.push_back({std::move(row_binary), bytes.nullable()});
    }
  }
  return out;
}

std::string value_fault(const TypeRule& rule, const test::Value& printed, const Held& loaded,
                        const Held& streamed) {
  if (loaded.bytes != streamed.bytes)
    return fmt::format("loaded as {} and streamed as {}", hex(loaded.bytes), hex(streamed.bytes));
  const auto wanted = expected(rule, printed);
  const auto text = loaded.text ? test::Value(found(rule.target, *loaded.text)) : std::nullopt;
  switch (wanted.kind) {
    case Expected::Kind::Unruled:
      return "";
    case Expected::Kind::Null:
      return text ? "is to be NULL, and it is " + shown(*loaded.text) : "";
    case Expected::Kind::Unrepresentable:
      return "cannot be held, and it is " + shown(loaded.text.value_or("NULL"));
    case Expected::Kind::Value:
      break;
  }
  if (text == wanted.text) return "";
  return fmt::format("is to be {}, and it is {} ({})", shown(wanted.text), text ? shown(*text) : "NULL",
                     shown(loaded.text.value_or("NULL")));
}

}  // namespace penstock::types
