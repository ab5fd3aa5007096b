#include "controller/apiserver/json_patch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace penstock::apiserver {

namespace {

constexpr std::size_t kMostOperations = 10000;
constexpr std::size_t kMostCopied = 3U << 20U;

using Fault = tl::expected<void, std::string>;
using Tokens = std::vector<std::string>;

/// A JSON pointer (RFC 6901) as its tokens.
std::optional<Tokens> tokens_of(std::string_view pointer) {
  Tokens tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return std::nullopt;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    const char c = pointer[i];
    if (c == '/') {
      tokens.emplace_back();
    } else if (c == '~') {
      const char next = i + 1 < pointer.size() ? pointer[i + 1] : ' ';
      if (next != '0' && next != '1') return std::nullopt;
      tokens.back() += next == '0' ? '~' : '/';
      ++i;
    } else {
      tokens.back() += c;
    }
  }
  return tokens;
}

std::optional<std::size_t> index_of(const std::string& token, std::size_t limit) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool leading_zero = token.size() > 1 && token.front() == '0';
  if (error != std::errc{} || end != token.data() + token.size() || leading_zero || index >= limit)
    return std::nullopt;
  return index;
}

Json* child(Json& parent, const std::string& token) {
  if (parent.is_object()) {
    const auto found = parent.find(token);
    return found == parent.end() ? nullptr : &*found;
  }
  if (!parent.is_array()) return nullptr;
  const auto index = index_of(token, parent.size());
  return index ? &parent[*index] : nullptr;
}

Json* find(Json& root, const Tokens& tokens, std::size_t count) {
  Json* at = &root;
  for (std::size_t i = 0; i < count && at != nullptr; ++i) {
    at = child(*at, tokens[i]);
  }
  return at;
}

Fault missing(std::string_view path) {
  return tl::unexpected(fmt::format("path {} does not exist", path));
}

Fault add(Json& root, const Tokens& tokens, std::string_view path, Json value) {
  if (tokens.empty()) {
    root = std::move(value);
    return {};
  }
  Json* parent = find(root, tokens, tokens.size() - 1);
  if (parent == nullptr || !parent->is_structured()) return missing(path);
  if (parent->is_object()) {
    (*parent)[tokens.back()] = std::move(value);
    return {};
  }
  const auto index = tokens.back() == "-" ? parent->size() : index_of(tokens.back(), parent->size() + 1);
  if (!index) return missing(path);
  parent->insert(parent->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return {};
}

Fault remove(Json& root, const Tokens& tokens, std::string_view path) {
  if (tokens.empty()) return tl::unexpected<std::string>("the whole object cannot be removed");
  Json* parent = find(root, tokens, tokens.size() - 1);
  if (parent == nullptr || child(*parent, tokens.back()) == nullptr) return missing(path);
  if (parent->is_object()) {
    parent->erase(tokens.back());
  } else {
    parent->erase(*index_of(tokens.back(), parent->size()));
  }
  return {};
}

class Patcher {
 public:
  explicit Patcher(Json object) : root_(std::move(object)) {}

  Fault apply(const Json& operation) {
    const auto& op = text_of(operation, {"op"});
    const auto& path = text_of(operation, {"path"});
    const auto tokens = tokens_of(path);
    if (!tokens || !member(operation, "path").is_string())
      return tl::unexpected<std::string>("\"path\" is not a JSON pointer");
    if (op == "remove") return remove(root_, *tokens, path);
    if (op == "move" || op == "copy") return transfer(operation, op == "move", *tokens, path);
    if (!operation.contains("value")) return tl::unexpected(fmt::format("operation \"{}\" has no value", op));
    const Json& value = operation["value"];
    note_depth(*tokens, value);
    if (op == "add") return add(root_, *tokens, path, value);
    Json* target = find(root_, *tokens, tokens->size());
    if (op == "replace") {
      if (target == nullptr) return missing(path);
      *target = value;
      return {};
    }
    if (op != "test") return tl::unexpected(fmt::format("unknown operation \"{}\"", op));
    const bool same = target == nullptr ? value.is_null() : *target == value;
    return same ? Fault{} : tl::unexpected(fmt::format("testing value {} failed", path));
  }

  /// What was put in lies too deep. Ask after each operation: the next one, and the object's end, recurse.
  [[nodiscard]] bool too_deep() const { return deepest_ > kMaxDepth; }

  Json take() && { return std::move(root_); }

 private:
  Fault transfer(const Json& operation, bool move, const Tokens& to, std::string_view path) {
    const auto& from = text_of(operation, {"from"});
    const auto tokens = tokens_of(from);
    if (!tokens) return tl::unexpected<std::string>("\"from\" is not a JSON pointer");
    const Json* source = find(root_, *tokens, tokens->size());
    if (source == nullptr) return missing(from);
    Json value = *source;
    if (move) {
      if (path.starts_with(from + "/"))
        return tl::unexpected<std::string>("a value cannot be moved into itself");
      if (auto done = remove(root_, *tokens, from); !done) return done;
    } else {
      copied_ += to_text(value).size();
      if (copied_ > kMostCopied) return tl::unexpected<std::string>("the operations copy too much");
    }
    note_depth(to, value);
    return add(root_, to, path, std::move(value));
  }

  void note_depth(const Tokens& place, const Json& value) {
    deepest_ = std::max(deepest_, place.size() + depth_of(value));
  }

  Json root_;
  std::size_t copied_ = 0;
  std::size_t deepest_ = 0;
};

}  // namespace

Reply<Json> apply_json_patch(const Json& object, const Json& operations) {
  if (!operations.is_array()) return bad_request("a JSON patch must be a list of operations");
  if (operations.size() > kMostOperations) {
    return bad_request(fmt::format("a JSON patch must have at most {} operations", kMostOperations));
  }
  Patcher patcher(object);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (auto done = patcher.apply(operations[i]); !done) {
      return tl::unexpected(
          ApiError{422, "Invalid", fmt::format("the patch cannot be applied: [{}]: {}", i, done.error())});
    }
    if (patcher.too_deep()) return bad_request("the patched object is nested too deep");
  }
  return std::move(patcher).take();
}

}  // namespace penstock::apiserver
