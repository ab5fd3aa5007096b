#include "controller/apiserver/metadata_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace penstock::apiserver {

namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kMostAnnotationBytes = 256U * 1024U;

constexpr std::string_view kSubdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start "
    "and end with an alphanumeric character (e.g. 'example.com'), and have at most 253 characters";
constexpr std::string_view kLabelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end "
    "with an alphanumeric character (e.g. 'my-name'), and have at most 63 characters";
constexpr std::string_view kQualifiedText =
    "a name must consist of alphanumeric characters, '-', '_' or '.', start and end with an alphanumeric "
    "character, "
    "have at most 63 characters, and may have a DNS subdomain and '/' in front (e.g. 'example.com/MyName')";
constexpr std::string_view kLabelValueText =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', must "
    "start and end "
    "with an alphanumeric character and have at most 63 characters (e.g. 'MyValue')";

bool lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool alphanumeric(char c) {
  return lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel && lower_or_digit(text.front()) &&
         lower_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  if (text.empty() || text.size() > kLongestName) return false;
  while (true) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    const bool good =
        !part.empty() && lower_or_digit(part.front()) && lower_or_digit(part.back()) &&
        std::all_of(part.begin(), part.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
    if (!good) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_name_part(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel && alphanumeric(text.front()) &&
         alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return alphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

bool is_qualified(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return is_name_part(text);
  return is_subdomain(text.substr(0, slash)) && is_name_part(text.substr(slash + 1));
}

void check_name(const ResourceType& type, const Json& metadata, std::vector<Cause>& causes) {
  const auto& name = text_of(metadata, {"name"});
  if (name.empty()) {
    causes.push_back(required_field("metadata.name", "name or generateName is required"));
    return;
  }
  const auto fault = type.kind == "Namespace" ? label_fault(name) : subdomain_fault(name);
  if (!fault.empty()) causes.push_back(invalid_field("metadata.name", name, fault));
}

void check_labels(const Json& metadata, std::vector<Cause>& causes) {
  for (const auto& [key, value] : member(metadata, "labels").items()) {
    const auto& text = value.get_ref<const std::string&>();
    if (const auto bad = label_key_fault(key); !bad.empty()) {
      causes.push_back(invalid_field("metadata.labels", key, bad));
    }
    if (const auto bad = label_value_fault(text); !bad.empty()) {
      causes.push_back(invalid_field("metadata.labels", text, bad));
    }
  }
}

void check_annotations(const Json& metadata, std::vector<Cause>& causes) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : member(metadata, "annotations").items()) {
    std::string lower = key;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (!is_qualified(lower)) causes.push_back(invalid_field("metadata.annotations", key, kQualifiedText));
    bytes += key.size() + value.get_ref<const std::string&>().size();
  }
  if (bytes > kMostAnnotationBytes) {
    causes.push_back({"FieldValueTooLong", "metadata.annotations",
                      fmt::format("Too long: may not be more than {} bytes", kMostAnnotationBytes)});
  }
}

}  // namespace

std::string_view subdomain_fault(std::string_view name) {
  return is_subdomain(name) ? std::string_view() : kSubdomainText;
}

std::string_view label_fault(std::string_view name) {
  return is_label(name) ? std::string_view() : kLabelText;
}

std::string_view label_key_fault(std::string_view key) {
  return is_qualified(key) ? std::string_view() : kQualifiedText;
}

std::string_view label_value_fault(std::string_view value) {
  return value.empty() || is_name_part(value) ? std::string_view() : kLabelValueText;
}

std::vector<Cause> check_metadata(const ResourceType& type, const Json& object) {
  std::vector<Cause> causes;
  const Json& metadata = member(object, "metadata");
  check_name(type, metadata, causes);
  check_labels(metadata, causes);
  check_annotations(metadata, causes);
  for (const auto& finalizer : member(metadata, "finalizers")) {
    const auto& text = finalizer.get_ref<const std::string&>();
    if (!is_qualified(text)) causes.push_back(invalid_field("metadata.finalizers", text, kQualifiedText));
  }
  return causes;
}

std::string random_hex(std::size_t bytes) {
  std::random_device source;  // getrandom() on Linux
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) {
    text += fmt::format("{:02x}", source() & 0xFFU);
  }
  return text;
}

std::string new_uid() {
  auto hex = random_hex(16);
  hex[12] = '4';
  constexpr std::string_view kVariant = "89ab";
  hex[16] = kVariant[static_cast<std::size_t>(hex[16]) % kVariant.size()];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

std::string generated_name(std::string_view prefix) {
  // No vowels, 0, 1 or 3: no words come out by chance.
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t kSuffix = 5;
  std::random_device source;
  std::string name(prefix.substr(0, kLongestLabel - kSuffix));
  for (std::size_t i = 0; i < kSuffix; ++i) {
    name += kLetters[source() % kLetters.size()];
  }
  return name;
}

}  // namespace penstock::apiserver
