#include "controller/apiserver/selectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace penstock::apiserver {

namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '/';
}

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

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

}  // namespace

class Selector::LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text) {}

  std::optional<std::vector<Label>> run() {
    std::vector<Label> labels;
    skip_spaces();
    while (at_ < text_.size()) {
      Label label;
      if (!one(label)) return std::nullopt;
      labels.push_back(std::move(label));
      skip_spaces();
      if (at_ == text_.size()) break;
      if (!eat(",")) return std::nullopt;
      skip_spaces();
      if (at_ == text_.size()) return std::nullopt;
    }
    return labels;
  }

 private:
  bool one(Label& label) {
    if (eat("!")) {
      label.op = Label::Op::Absent;
      label.key = word();
      return !label.key.empty();
    }
    label.key = word();
    if (label.key.empty()) return false;
    if (at_ == text_.size() || text_[at_] == ',') return true;
    if (eat("!=")) return equality(label, Label::Op::NotIn);
    if (eat("==") || eat("=")) return equality(label, Label::Op::In);
    const auto op = word();
    if (op != "in" && op != "notin") return false;
    label.op = op == "in" ? Label::Op::In : Label::Op::NotIn;
    return set(label.values);
  }

  bool equality(Label& label, Label::Op op) {
    label.op = op;
    label.values.push_back(word());
    return true;
  }

  bool set(std::vector<std::string>& values) {
    if (!eat("(")) return false;
    do {
      values.push_back(word());
    } while (eat(","));
    return eat(")");
  }

  /// A name, with the spaces around it eaten.
  std::string word() {
    skip_spaces();
    const auto start = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) {
      ++at_;
    }
    std::string found(text_.substr(start, at_ - start));
    skip_spaces();
    return found;
  }

  bool eat(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void skip_spaces() {
    while (eat(" ")) {
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Reply<Selector> Selector::parse(const ResourceType& type, std::string_view labels, std::string_view fields) {
  Selector selector;
  auto parsed = LabelParser(labels).run();
  if (!parsed) return bad_request(fmt::format("unable to parse requirement: label selector \"{}\"", labels));
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
