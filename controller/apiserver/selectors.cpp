#include "controller/apiserver/selectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>

#include "controller/apiserver/metadata_rules.hpp"

namespace penstock::apiserver {

namespace {

/// Value of a field by its dotted path, as field selectors compare it: text, "" when absent.
std::string field_value(const Json& object, std::string_view path) {
  if (path == "source") {  // Event: the component that reported it
    const auto& component = text_of(object, {"source", "component"});
    return component.empty() ? text_of(object, {"reportingComponent"}) : component;
  }
  const Json* at = &object;
  for (std::size_t start = 0; start <= path.size();) {
    const auto dot = std::min(path.find('.', start), path.size());
    at = &member(*at, path.substr(start, dot - start));
    start = dot + 1;
  }
  if (at->is_string()) return at->get<std::string>();
  return at->is_null() ? std::string() : to_text(*at);
}

/// The terms of a field selector: cut at commas, but for those behind a backslash.
std::vector<std::string> terms_of(std::string_view text) {
  std::vector<std::string> terms(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      terms.back() += text.substr(i++, 2);
    } else if (text[i] == ',') {
      terms.emplace_back();
    } else {
      terms.back() += text[i];
    }
  }
  std::erase(terms, "");
  return terms;
}

/// A decimal number with an optional sign, as Go's ParseInt reads it.
std::optional<std::int64_t> integer_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(text.substr(1).starts_with('-') ? 0 : 1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

}  // namespace

/// The grammar of apimachinery's labels.Parse: `in` and `notin` are words like others where no operator can
/// stand, values may be empty, and keys and values are checked as those of labels are.
class Selector::LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text) { next(); }

  tl::expected<std::vector<Label>, std::string> run() {
    std::vector<Label> labels;
    if (token_.empty()) return labels;
    do {
      Label label;
      if (!one(label)) return tl::unexpected(fault_);
      labels.push_back(std::move(label));
    } while (take(","));
    if (!token_.empty()) return tl::unexpected(found("',' or 'end of string'"));
    return labels;
  }

 private:
  bool one(Label& label) {
    const bool absent = take("!");
    if (!word(label.key)) return refuse(found("identifier"));
    if (const auto bad = label_key_fault(label.key); !bad.empty()) return refuse(bad, label.key);
    label.op = absent ? Label::Op::Absent : Label::Op::Exists;
    if (absent || token_.empty() || token_ == ",") return true;
    static const std::map<std::string_view, Label::Op> kOperators{
        {"=", Label::Op::In},  {"==", Label::Op::In},       {"!=", Label::Op::NotIn},
        {"in", Label::Op::In}, {"notin", Label::Op::NotIn}, {">", Label::Op::Greater},
        {"<", Label::Op::Less}};
    const auto op = kOperators.find(token_);
    if (op == kOperators.end()) return refuse(found("in, notin, =, ==, !=, >, <"));
    label.op = op->second;
    const bool is_set = token_ == "in" || token_ == "notin";
    next();
    if (!(is_set ? set(label.values) : exact(label.values))) return false;
    return check_values(label);
  }

  bool exact(std::vector<std::string>& values) {
    values.emplace_back();
    if (token_.empty() || token_ == ",") return true;
    return word(values.back()) || refuse(found("identifier"));
  }

  bool set(std::vector<std::string>& values) {
    if (!take("(")) return refuse(found("'('"));
    do {
      values.emplace_back();
      (void)word(values.back());
    } while (take(","));
    return take(")") || refuse(found("',' or ')'"));
  }

  bool check_values(const Label& label) {
    const bool number = label.op == Label::Op::Greater || label.op == Label::Op::Less;
    for (const auto& value : label.values) {
      if (number && !integer_of(value)) {
        return refuse("for 'Gt', 'Lt' operators, the value must be an integer", value);
      }
      if (const auto bad = label_value_fault(value); !bad.empty()) return refuse(bad, value);
    }
    return true;
  }

  bool word(std::string& into) {
    if (token_.empty() || is_symbol(token_.front())) return false;
    into = token_;
    next();
    return true;
  }

  bool take(std::string_view token) {
    if (token_ != token) return false;
    next();
    return true;
  }

  /// Reads the next word or operator; "" at the end.
  void next() {
    const auto start = std::min(text_.find_first_not_of(" \t\r\n"), text_.size());
    text_.remove_prefix(start);
    std::size_t size = 0;
    if (!text_.empty() && is_symbol(text_.front())) {
      size = text_.starts_with("==") || text_.starts_with("!=") ? 2 : 1;
    } else {
      while (size < text_.size() && !is_symbol(text_[size]) && !is_space(text_[size])) {
        ++size;
      }
    }
    token_ = text_.substr(0, size);
    text_.remove_prefix(size);
  }

  static bool is_symbol(char c) { return std::string_view("=!(),<>").find(c) != std::string_view::npos; }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  [[nodiscard]] std::string found(std::string_view expected) const {
    return fmt::format("found '{}', expected: {}", token_, expected);
  }
  bool refuse(std::string why) {
    fault_ = std::move(why);
    return false;
  }
  bool refuse(std::string_view why, const std::string& value) {
    return refuse(fmt::format("Invalid value: {}: {}", to_text(Json(value)), why));
  }

  std::string_view text_;   ///< what has not been read
  std::string_view token_;  ///< read, but not taken
  std::string fault_;
};

Reply<Selector> Selector::parse(const ResourceType& type, std::string_view labels, std::string_view fields) {
  Selector selector;
  auto parsed = LabelParser(labels).run();
  if (!parsed) return bad_request(fmt::format("unable to parse requirement: {}", parsed.error()));
  selector.labels_ = *std::move(parsed);
  auto read = parse_fields(type, fields);
  if (!read) return tl::unexpected(read.error());
  selector.fields_ = *std::move(read);
  return selector;
}

Reply<std::vector<Selector::Field>> Selector::parse_fields(const ResourceType& type, std::string_view text) {
  std::vector<Field> fields;
  for (const auto& term : terms_of(text)) {
    const auto sign = term.find('=');
    if (sign == std::string::npos || sign == 0) {
      return bad_request(fmt::format("invalid selector: '{}'; can't understand '{}'", text, term));
    }
    const bool equal = term[sign - 1] != '!';
    const auto path = term.substr(0, equal ? sign : sign - 1);
    std::string_view value = std::string_view(term).substr(sign + 1);
    if (equal && value.starts_with("=")) value.remove_prefix(1);
    const auto& allowed = type.selectable_fields;
    const bool known = path == "metadata.name" || (path == "metadata.namespace" && type.namespaced) ||
                       std::find(allowed.begin(), allowed.end(), path) != allowed.end();
    if (!known) return bad_request(fmt::format("field label not supported: {}", path));
    fields.push_back({path, unescaped(value), equal});
  }
  return fields;
}

bool Selector::compares(const Label& label, const std::string& value) {
  const auto number = integer_of(value);
  const auto bound = integer_of(label.values.front());
  if (!number || !bound) return false;
  return label.op == Label::Op::Greater ? *number > *bound : *number < *bound;
}

bool Selector::passes(const Label& label, const Json& labels) {
  const Json& value = member(labels, label.key);
  const bool present = value.is_string();
  const bool listed = present && std::find(label.values.begin(), label.values.end(),
                                           value.get_ref<const std::string&>()) != label.values.end();
  switch (label.op) {
    case Label::Op::In:
      return listed;
    case Label::Op::NotIn:
      return !listed;
    case Label::Op::Exists:
      return present;
    case Label::Op::Absent:
      return !present;
    case Label::Op::Greater:
    case Label::Op::Less:
      return present && compares(label, value.get_ref<const std::string&>());
  }
  return false;
}

bool Selector::matches(const Json& object) const {
  const Json& labels = member(object, {"metadata", "labels"});
  return std::all_of(labels_.begin(), labels_.end(),
                     [&](const Label& label) { return passes(label, labels); }) &&
         std::all_of(fields_.begin(), fields_.end(), [&](const Field& field) {
           return (field_value(object, field.path) == field.value) == field.equal;
         });
}

}  // namespace penstock::apiserver
