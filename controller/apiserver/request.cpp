#include "controller/apiserver/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace penstock::apiserver {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> unescape(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

template <typename Visit>
void split(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// "application/json;as=Table;v=v1": the type, and its parameters.
struct MediaRange {
  std::string type;
  std::map<std::string, std::string> parameters;
};

std::vector<MediaRange> ranges_of(std::string_view accept) {
  std::vector<MediaRange> ranges;
  split(accept, ',', [&](std::string_view one) {
    MediaRange range;
    split(one, ';', [&](std::string_view part) {
      part = trimmed(part);
      const auto sign = part.find('=');
      if (range.type.empty() && sign == std::string_view::npos) {
        range.type = part;
      } else if (sign != std::string_view::npos) {
        range.parameters.emplace(part.substr(0, sign), part.substr(sign + 1));
      }
    });
    if (!range.type.empty()) ranges.push_back(std::move(range));
  });
  return ranges;
}

bool takes_json(const MediaRange& range) {
  return range.type == "application/json" || range.type == "application/*" || range.type == "*/*";
}

}  // namespace

const std::string& Request::param(const std::string& name) const {
  static const std::string kEmpty;
  const auto found = query.find(name);
  return found == query.end() ? kEmpty : found->second;
}

bool Request::flag(const std::string& name) const {
  const auto found = query.find(name);
  return found != query.end() && found->second != "false" && found->second != "0";
}

std::string Request::media_type() const {
  return std::string(trimmed(std::string_view(content_type).substr(0, content_type.find(';'))));
}

Reply<Request> request_of(std::string method, std::string_view target) {
  Request request;
  request.method = std::move(method);
  const auto mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  bool good = true;
  split(request.path, '/', [&](std::string_view segment) {
    if (segment.empty()) return;
    auto text = unescape(segment, false);
    good = good && text;
    request.segments.push_back(text.value_or(""));
  });
  split(target.substr(std::min(mark + 1, target.size())), '&', [&](std::string_view pair) {
    const auto sign = std::min(pair.find('='), pair.size());
    auto name = unescape(pair.substr(0, sign), true);
    auto value = unescape(pair.substr(std::min(sign + 1, pair.size())), true);
    good = good && name && value;
    if (name && value) request.query.emplace(*std::move(name), *std::move(value));
  });
  if (!good) return bad_request("the URL has a broken escape sequence");
  return request;
}

Response json_response(int status, const Json& body) {
  Response response;
  response.status = status;
  response.body = to_text(body) + "\n";
  return response;
}

Response error_response(const ApiError& error) {
  return json_response(error.code, to_status(error));
}

Reply<Form> accepted_form(std::string_view accept) {
  if (trimmed(accept).empty()) return Form::Object;
  for (const auto& range : ranges_of(accept)) {
    if (!takes_json(range)) continue;
    const auto as = range.parameters.find("as");
    if (as == range.parameters.end()) return Form::Object;
    const auto group = range.parameters.find("g");
    const auto version = range.parameters.find("v");
    const bool meta_v1 = group != range.parameters.end() && group->second == "meta.k8s.io" &&
                         version != range.parameters.end() && version->second == "v1";
    if (!meta_v1) continue;
    if (as->second == "Table") return Form::Table;
    if (as->second == "PartialObjectMetadata" || as->second == "PartialObjectMetadataList") {
      return Form::PartialMetadata;
    }
  }
  return not_acceptable("only the following media types are accepted: application/json");
}

std::string accepted_discovery(std::string_view accept) {
  for (const auto& range : ranges_of(accept)) {
    if (!takes_json(range)) continue;
    const auto as = range.parameters.find("as");
    const auto version = range.parameters.find("v");
    if (as == range.parameters.end()) return "";
    const bool known =
        version != range.parameters.end() && (version->second == "v2" || version->second == "v2beta1");
    if (as->second == "APIGroupDiscoveryList" && known) return version->second;
  }
  return "";
}

std::string accepted_openapi_v2(std::string_view accept) {
  for (const auto& range : ranges_of(accept)) {
    if (range.type == "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" ||
        range.type == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf") {
      // With the '@' that older clients send it is no valid media type for the stricter ones to read.
      return "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    }
  }
  return "";
}

bool accepts_json(std::string_view accept) {
  if (trimmed(accept).empty()) return true;
  const auto ranges = ranges_of(accept);
  return std::any_of(ranges.begin(), ranges.end(), takes_json);
}

}  // namespace penstock::apiserver
