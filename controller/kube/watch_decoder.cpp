#include "controller/kube/watch_decoder.hpp"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/kube/api_error.hpp"
#include "controller/kube/json_text.hpp"

namespace penstock::kube {
namespace {

using runtime::WatchEvent;

constexpr std::string_view kBlank = " \t\r\n";

std::optional<WatchEvent::Type> type_named(std::string_view name) {
  if (name == "ADDED") return WatchEvent::Type::Added;
  if (name == "MODIFIED") return WatchEvent::Type::Modified;
  if (name == "DELETED") return WatchEvent::Type::Deleted;
  if (name == "BOOKMARK") return WatchEvent::Type::Bookmark;
  return std::nullopt;
}

}  // namespace

void WatchDecoder::feed(std::string_view bytes) {
  bytes_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  bytes_.append(bytes);
}

Result<std::optional<WatchEvent>> WatchDecoder::next() {
  for (;;) {
    const auto end = bytes_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = bytes_.size();
      if (bytes_.size() - begin_ <= kLongestLine) return std::nullopt;
      return fail(ErrorKind::BadData, "WatchCorrupt", doing_ + ": an event is longer than 16 MiB");
    }
    const auto line = std::string_view(bytes_).substr(begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (line.find_first_not_of(kBlank) == std::string_view::npos) continue;
    auto event = decode(line);
    if (!event || *event) return event;
  }
}

bool WatchDecoder::has_rest() const {
  return bytes_.find_first_not_of(kBlank, begin_) != std::string::npos;
}

Result<std::optional<WatchEvent>> WatchDecoder::decode(std::string_view line) const {
  const auto corrupt = [this](std::string_view what) {
    return fail(ErrorKind::BadData, "WatchCorrupt", fmt::format("{}: {}", doing_, what));
  };
  auto json = parse_json(line);
  if (!json) return corrupt("an event cannot be read: " + json.error().message);
  if (!json->is_object()) return corrupt("an event is no object");
  const auto type = json->find("type");
  const auto object = json->find("object");
  if (type == json->end() || !type->is_string() || object == json->end() || !object->is_object()) {
    return corrupt("an event lacks its type or object");
  }
  const auto& name = type->get_ref<const std::string&>();
  if (name == "ERROR") return fail(error_of_status(*object, Effect::Read, doing_));
  const auto known = type_named(name);
  if (!known) return std::nullopt;
  if (runtime::resource_version_of(*object).empty())
    return corrupt("an event's object has no resourceVersion");
  if (*known != WatchEvent::Type::Bookmark && runtime::key_of(*object).name.empty()) {
    return corrupt("an event's object has no name");
  }
  return WatchEvent{*known, std::make_shared<const nlohmann::json>(std::move(*object))};
}

}  // namespace penstock::kube
