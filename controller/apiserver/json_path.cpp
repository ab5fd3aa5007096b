#include "controller/apiserver/json_path.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace penstock::apiserver {

class JsonPath::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  tl::expected<std::vector<Step>, std::string> run() {
    std::vector<Step> steps;
    if (!text_.empty() && text_.front() != '.' && text_.front() != '[' && text_.front() != '$') {
      if (!field(steps)) return fault();
    }
    if (!text_.empty() && text_.front() == '$') ++at_;
    while (at_ < text_.size()) {
      const bool understood = text_[at_] == '.' ? (++at_, field(steps)) : text_[at_] == '[' && bracket(steps);
      if (!understood) return fault();
    }
    return steps;
  }

 private:
  tl::unexpected<std::string> fault() const {
    return tl::unexpected(fmt::format("JSONPath {}: cannot read it from character {}", text_, at_ + 1));
  }

  bool field(std::vector<Step>& steps) {
    if (at_ == text_.size()) return steps.empty();
    if (text_[at_] == '[') return true;
    auto name = read_name();
    if (name.empty()) return false;
    Step step;
    if (name == "*") {
      step.kind = Step::Kind::All;
    } else {
      step.field = std::move(name);
    }
    steps.push_back(std::move(step));
    return true;
  }

  std::string read_name() {
    std::string name;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\\' && at_ + 1 < text_.size()) {
        name += text_[++at_];
      } else if (c == '.' || c == '[' || c == ' ' || c == '=' || c == '!' || c == ')') {
        break;
      } else {
        name += c;
      }
    }
    return name;
  }

  bool bracket(std::vector<Step>& steps) {
    ++at_;
    Step step;
    if (rest().starts_with("?(")) {
      at_ += 2;
      step.kind = Step::Kind::Matching;
      if (!filter(step.filter)) return false;
    } else if (rest().starts_with("*")) {
      ++at_;
      step.kind = Step::Kind::All;
    } else if (rest().starts_with("'") || rest().starts_with("\"")) {
      auto name = quoted();
      if (!name) return false;
      step.field = *std::move(name);
    } else {
      step.kind = Step::Kind::Index;
      const auto tail = rest();
      const auto [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), step.index);
      if (error != std::errc{}) return false;
      at_ += static_cast<std::size_t>(end - tail.data());
    }
    steps.push_back(std::move(step));
    return eat("]");
  }

  bool filter(Filter& out) {
    skip_spaces();
    if (!eat("@")) return false;
    while (eat(".")) {
      out.fields.push_back(read_name());
    }
    skip_spaces();
    if (eat(")")) return !out.fields.empty();
    if (!eat("==") && !eat("!=")) return false;
    out.op = std::string(text_.substr(at_ - 2, 2));
    skip_spaces();
    if (rest().starts_with("'") || rest().starts_with("\"")) {
      auto value = quoted();
      if (!value) return false;
      out.value = *std::move(value);
    } else {
      const auto end = rest().find_first_of(" )");
      const auto parsed = parse_json(rest().substr(0, end));
      if (!parsed || end == std::string_view::npos) return false;
      out.value = parsed->value;
      at_ += end;
    }
    skip_spaces();
    return eat(")");
  }

  std::optional<std::string> quoted() {
    const char quote = text_[at_++];
    const auto end = text_.find(quote, at_);
    if (end == std::string_view::npos) return std::nullopt;
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }

  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  bool eat(std::string_view token) {
    if (!rest().starts_with(token)) return false;
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

tl::expected<JsonPath, std::string> JsonPath::parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') text = text.substr(1, text.size() - 2);
  auto steps = Parser(text).run();
  if (!steps) return tl::unexpected(steps.error());
  JsonPath path;
  path.steps_ = *std::move(steps);
  return path;
}

std::vector<const Json*> JsonPath::find(const Json& object) const {
  std::vector<const Json*> here{&object};
  for (const auto& step : steps_) {
    std::vector<const Json*> next;
    for (const auto* value : here) {
      take(step, *value, next);
    }
    here = std::move(next);
  }
  return here;
}

void JsonPath::take(const Step& step, const Json& value, std::vector<const Json*>& out) {
  switch (step.kind) {
    case Step::Kind::Field:
      if (value.is_object() && value.contains(step.field)) out.push_back(&value[step.field]);
      return;
    case Step::Kind::Index: {
      if (!value.is_array()) return;
      const long index = step.index < 0 ? static_cast<long>(value.size()) + step.index : step.index;
      if (index >= 0 && index < static_cast<long>(value.size()))
        out.push_back(&value[static_cast<std::size_t>(index)]);
      return;
    }
    case Step::Kind::All:
      if (!value.is_structured()) return;
      for (const auto& child : value) {
        out.push_back(&child);
      }
      return;
    case Step::Kind::Matching:
      if (!value.is_array()) return;
      for (const auto& child : value) {
        if (passes(step.filter, child)) out.push_back(&child);
      }
  }
}

bool JsonPath::passes(const Filter& filter, const Json& value) {
  const Json* at = &value;
  for (const auto& field : filter.fields) {
    if (!at->is_object() || !at->contains(field)) return false;
    at = &(*at)[field];
  }
  if (filter.op.empty()) return true;
  return (*at == filter.value) == (filter.op == "==");
}

}  // namespace penstock::apiserver
