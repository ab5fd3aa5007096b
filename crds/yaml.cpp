#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "crds/crd.hpp"

namespace penstock {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 100;
constexpr std::size_t kNodeCost = 64;
/// What aliases may add to a document's own size, in bytes: a few kilobytes of nested aliases could else
/// expand to terabytes.
constexpr std::size_t kAliasAllowance = std::size_t{8} << 20;

tl::unexpected<Error> invalid(const YAML::Mark& mark, const std::string& message) {
  const std::string where =
      mark.is_null() ? "" : fmt::format("line {}, column {}: ", mark.line + 1, mark.column + 1);
  return fail(ErrorKind::NeedsUser, "InvalidYaml", where + message);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? of YAML 1.2.2, "10.3.2. Tag
/// Resolution". JSON's numbers, with a sign, a bare point and leading zeros besides.
bool looks_like_number(std::string_view text) {
  const auto skip_digits = [&] {
    std::size_t count = 0;
    for (; !text.empty() && is_digit(text.front()); ++count)
      text.remove_prefix(1);
    return count;
  };
  const auto skip = [&](std::string_view any) {
    const bool found = !text.empty() && any.find(text.front()) != std::string_view::npos;
    if (found) text.remove_prefix(1);
    return found;
  };
  skip("+-");
  std::size_t digits = skip_digits();
  if (skip(".")) digits += skip_digits();
  if (digits == 0) return false;
  if (!skip("eE")) return text.empty();
  skip("+-");
  return skip_digits() > 0 && text.empty();
}

template <typename Number>
std::optional<Number> parse_all(std::string_view text, int base) {
  Number value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A number of the core schema; nullopt where `text` is none, or none that JSON has (infinity, not a number).
std::optional<json> number(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0o")) {
    const auto value = parse_all<std::uint64_t>(text.substr(2), text[1] == 'x' ? 16 : 8);
    return value ? std::optional<json>(*value) : std::nullopt;
  }
  if (!looks_like_number(text)) return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  if (const auto value = parse_all<std::int64_t>(text, 10)) return *value;
  if (const auto value = parse_all<std::uint64_t>(text, 10)) return *value;
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (std::trunc(value) == value && std::abs(value) <= 9007199254740992.0)
    return static_cast<std::int64_t>(value);
  return value;
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> choices) {
  for (const auto choice : choices)
    if (text == choice) return true;
  return false;
}

/// A plain scalar, by the core schema.
json resolve(const std::string& text) {
  if (is_any_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (is_any_of(text, {"true", "True", "TRUE"})) return true;
  if (is_any_of(text, {"false", "False", "FALSE"})) return false;
  return number(text).value_or(json(text));
}

bool is_infinite_or_nan(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  return is_any_of(text, {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"});
}

class Converter {
 public:
  explicit Converter(std::size_t text_size) : budget_(text_size * (kNodeCost + 1) + kAliasAllowance) {}

  Result<json> convert(const YAML::Node& node, int depth = 0) {
    // An anchor inside of its own value makes a cycle, which this ends as well.
    if (depth > kMaxDepth) return invalid(node.Mark(), "is nested too deeply");
    const std::size_t cost = kNodeCost + (node.IsScalar() ? node.Scalar().size() : 0);
    if (cost > budget_) return invalid(node.Mark(), "aliases expand to too much");
    budget_ -= cost;
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence:
        return sequence(node, depth);
      case YAML::NodeType::Map:
        return mapping(node, depth);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        break;
    }
    return json(nullptr);
  }

 private:
  Result<json> scalar(const YAML::Node& node) {
    const std::string& tag = node.Tag();
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return json(node.Scalar());
    if (tag == "?" || tag.empty()) {
      if (is_infinite_or_nan(node.Scalar())) return invalid(node.Mark(), "JSON has no " + node.Scalar());
      return resolve(node.Scalar());
    }
    json value = resolve(node.Scalar());
    if ((tag == "tag:yaml.org,2002:int" && value.is_number_integer()) ||
        (tag == "tag:yaml.org,2002:float" && value.is_number()) ||
        (tag == "tag:yaml.org,2002:bool" && value.is_boolean()) ||
        (tag == "tag:yaml.org,2002:null" && value.is_null()))
      return value;
    return invalid(node.Mark(), fmt::format("the tag {} is not supported here", tag));
  }

  Result<json> sequence(const YAML::Node& node, int depth) {
    auto out = json::array();
    for (const YAML::Node& item : node) {
      PENSTOCK_ASSIGN(auto value, convert(item, depth + 1));
      out.push_back(std::move(value));
    }
    return out;
  }

  Result<json> mapping(const YAML::Node& node, int depth) {
    auto out = json::object();
    for (const auto& entry : node) {
      const YAML::Node& key = entry.first;
      if (!key.IsScalar()) return invalid(key.Mark(), "a key must be a plain word");
      if (key.Scalar() == "<<" && key.Tag() == "?")
        return invalid(key.Mark(), "merge keys (<<) are not part of YAML 1.2; write the fields out");
      if (out.contains(key.Scalar()))
        return invalid(key.Mark(), fmt::format("the key {} is there twice", key.Scalar()));
      PENSTOCK_ASSIGN(auto value, convert(entry.second, depth + 1));
      out[key.Scalar()] = std::move(value);
    }
    return out;
  }

  std::size_t budget_;
};

/// Takes nothing of what is read.
class NoHandler final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}
};

/// Whether yaml-cpp comes to the end of the text: at some that are no YAML it reads a document of nothing for
/// ever (0.7.0: a flow indicator outside of a flow collection).
bool comes_to_an_end(const std::string& yaml) {
  std::istringstream stream(yaml);
  YAML::Parser parser(stream);
  NoHandler handler;
  for (std::size_t documents = 0; parser.HandleNextDocument(handler); ++documents)
    if (documents > yaml.size()) return false;
  return true;
}

}  // namespace

Result<std::vector<json>> yaml_documents(std::string_view yaml) {
  try {
    if (!comes_to_an_end(std::string(yaml)))
      return invalid(YAML::Mark::null_mark(), "a ',', ']' or '}' stands where no list or map is open");
    std::vector<json> out;
    Converter converter(yaml.size());
    for (const YAML::Node& document : YAML::LoadAll(std::string(yaml))) {
      PENSTOCK_ASSIGN(auto value, converter.convert(document));
      if (!value.is_null()) out.push_back(std::move(value));
    }
    return out;
  } catch (const YAML::DeepRecursion& e) {
    return invalid(e.mark, "is nested too deeply");
  } catch (const YAML::Exception& e) {
    return invalid(e.mark, e.msg);
  }
}

Result<json> yaml_to_json(std::string_view yaml) {
  PENSTOCK_ASSIGN(auto documents, yaml_documents(yaml));
  if (documents.empty()) return invalid(YAML::Mark::null_mark(), "the document is empty");
  if (documents.size() > 1)
    return invalid(YAML::Mark::null_mark(),
                   fmt::format("one document is wanted, there are {}", documents.size()));
  return std::move(documents.front());
}

}  // namespace penstock
