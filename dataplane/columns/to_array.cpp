#include <charconv>

#include "dataplane/columns/big_endian.hpp"
#include "dataplane/columns/conversions.hpp"
#include "dataplane/columns/source_number.hpp"

namespace penstock::conversions {

namespace {

/// Appends the elements of one array and closes it, or takes back what it appended.
class ArrayWriter {
 public:
  ArrayWriter(const Conversion& conversion, Column& column)
      : decoder_(*conversion.element), column_(column), takes_null_(column.element().type().nullable) {}

  /// False: the array has failed, outcome() says how.
  [[nodiscard]] bool append(std::string_view bytes, WireForm form) {
    const FieldOutcome outcome = decoder_.append(column_.element(), bytes, form);
    if (outcome == FieldOutcome::Unrepresentable || outcome == FieldOutcome::Malformed) return fail(outcome);
    if (outcome_ != FieldOutcome::Nulled && outcome != FieldOutcome::Exact) outcome_ = outcome;
    return true;
  }
  /// An element type without NULL would turn it into a 0 or '' that nobody wrote.
  [[nodiscard]] bool append_null() {
    if (!takes_null_) return fail(FieldOutcome::Unrepresentable);
    column_.element().append_null();
    return true;
  }
  [[nodiscard]] bool fail(FieldOutcome outcome) {
    outcome_ = outcome;
    return false;
  }
  [[nodiscard]] FieldOutcome finish(bool complete) {
    if (complete) {
      column_.close_array();
    } else {
      column_.truncate(column_.rows());
    }
    return outcome_;
  }

 private:
  const FieldDecoder& decoder_;
  Column& column_;
  bool takes_null_;
  FieldOutcome outcome_ = FieldOutcome::Exact;
};

/// PostgreSQL source, arrayfuncs.c, array_send(): dimensions, a flag, the element type, for each dimension
/// its length and lower bound, then each element's length (-1: NULL) and bytes.
constexpr std::size_t kArrayHeader = 12;
constexpr std::size_t kDimension = 8;
constexpr std::int32_t kMostDimensions = 6;

bool read_elements(ArrayWriter& writer, std::string_view bytes, std::int32_t count) {
  for (; count > 0; --count) {
    if (bytes.size() < sizeof(std::int32_t)) return writer.fail(FieldOutcome::Malformed);
    const auto size = load_big_endian<std::int32_t>(bytes.data());
    bytes.remove_prefix(sizeof(std::int32_t));
    if (size == -1) {
      if (!writer.append_null()) return false;
      continue;
    }
    if (size < 0 || static_cast<std::size_t>(size) > bytes.size())
      return writer.fail(FieldOutcome::Malformed);
    if (!writer.append(bytes.substr(0, static_cast<std::size_t>(size)), WireForm::Binary)) return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return bytes.empty() || writer.fail(FieldOutcome::Malformed);
}

FieldOutcome array_binary(const Conversion& conversion, Column& column, std::string_view bytes) {
  if (bytes.size() < kArrayHeader) return FieldOutcome::Malformed;
  const auto dimensions = load_big_endian<std::int32_t>(bytes.data());
  const auto flags = load_big_endian<std::int32_t>(bytes.data() + 4);
  if (dimensions < 0 || dimensions > kMostDimensions || flags < 0 || flags > 1)
    return FieldOutcome::Malformed;
  if (bytes.size() < kArrayHeader + kDimension * static_cast<std::size_t>(dimensions))
    return FieldOutcome::Malformed;
  if (dimensions > 1) return FieldOutcome::Unrepresentable;
  bytes.remove_prefix(kArrayHeader);
  std::int32_t count = 0;
  if (dimensions == 1) {
    count = load_big_endian<std::int32_t>(bytes.data());
    bytes.remove_prefix(kDimension);
  }
  if (count < 0) return FieldOutcome::Malformed;
  ArrayWriter writer(conversion, column);
  const bool complete = read_elements(writer, bytes, count);
  return writer.finish(complete);
}

/// Reads the elements of {a,"b c",NULL} (PostgreSQL docs, "Array Input and Output Syntax"); array_out quotes
/// every element that is empty, says NULL, or holds a brace, delimiter, quote, backslash or white space.
class ElementReader {
 public:
  enum class Found { Element, Null, Nested, Malformed };

  ElementReader(std::string_view body, char delimiter) : rest_(body), delimiter_(delimiter) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::string_view element() const { return element_; }

  /// The next element and the delimiter behind it, which another element must follow.
  [[nodiscard]] Found next() {
    const Found found = rest_.starts_with('"') ? quoted() : plain();
    if (found == Found::Nested || found == Found::Malformed || rest_.empty()) return found;
    if (rest_.front() != delimiter_ || rest_.size() == 1) return Found::Malformed;
    rest_.remove_prefix(1);
    return found;
  }

 private:
  Found plain() {
    if (rest_.starts_with('{')) return Found::Nested;
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != delimiter_) {
      const char c = rest_[end++];
      if (c == '"' || c == '\\' || c == '{' || c == '}') return Found::Malformed;
    }
    element_ = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (element_.empty()) return Found::Malformed;
    return element_ == "NULL" ? Found::Null : Found::Element;
  }

  Found quoted() {
    rest_.remove_prefix(1);
    const std::size_t end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos) return Found::Malformed;
    if (rest_[end] == '\\') return escaped();
    element_ = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return Found::Element;
  }

  Found escaped() {
    unescaped_.clear();
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        element_ = unescaped_;
        rest_.remove_prefix(i + 1);
        return Found::Element;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) break;
      unescaped_.push_back(rest_[i]);
    }
    return Found::Malformed;
  }

  std::string_view rest_;
  char delimiter_;
  std::string_view element_;
  std::string unescaped_;
};

/// "[0:2]={1,2,3}" -> "{1,2,3}"; lower bounds other than 1 are printed first. False: malformed.
bool skip_bounds(std::string_view& text) {
  if (!text.starts_with('[')) return true;
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  if (text.substr(0, equals).find_first_not_of("0123456789-+:[]") != std::string_view::npos) return false;
  text.remove_prefix(equals + 1);
  return true;
}

bool read_elements(ArrayWriter& writer, ElementReader& reader) {
  using Found = ElementReader::Found;
  while (!reader.empty()) {
    switch (reader.next()) {
      case Found::Element:
        if (!writer.append(reader.element(), WireForm::Text)) return false;
        break;
      case Found::Null:
        if (!writer.append_null()) return false;
        break;
      case Found::Nested:
        return writer.fail(FieldOutcome::Unrepresentable);
      case Found::Malformed:
        return writer.fail(FieldOutcome::Malformed);
    }
  }
  return true;
}

FieldOutcome array_text(const Conversion& conversion, Column& column, std::string_view bytes) {
  if (!skip_bounds(bytes)) return FieldOutcome::Malformed;
  if (bytes.size() < 2 || bytes.front() != '{' || bytes.back() != '}') return FieldOutcome::Malformed;
  ElementReader reader(bytes.substr(1, bytes.size() - 2), conversion.delimiter);
  ArrayWriter writer(conversion, column);
  const bool complete = read_elements(writer, reader);
  return writer.finish(complete);
}

/// pgvector's [1,2.5,3e-07].
bool read_numbers(ArrayWriter& writer, std::string_view body) {
  while (!body.empty()) {
    const std::size_t end = std::min(body.find(','), body.size());
    if (!writer.append(body.substr(0, end), WireForm::Text)) return false;
    if (end + 1 == body.size()) return writer.fail(FieldOutcome::Malformed);
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  return true;
}

FieldOutcome vector_text(const Conversion& conversion, Column& column, std::string_view bytes) {
  if (bytes.size() < 2 || bytes.front() != '[' || bytes.back() != ']') return FieldOutcome::Malformed;
  ArrayWriter writer(conversion, column);
  const bool complete = read_numbers(writer, bytes.substr(1, bytes.size() - 2));
  return writer.finish(complete);
}

}  // namespace

Forms to_array(TypeFamily source) {
  switch (source) {
    case TypeFamily::Array:
      return {array_binary, array_text};
    case TypeFamily::Vector:
      return {nullptr, vector_text};
    default:
      return from_foreign_text<array_text>(source);
  }
}

}  // namespace penstock::conversions
