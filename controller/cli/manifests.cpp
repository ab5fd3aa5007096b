#include "controller/cli/manifests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string_view>

#include "crds/crd.hpp"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> unreadable(const std::string& path, std::string_view why, std::string cure) {
  return fail(ErrorKind::NeedsUser, "ManifestUnreadable", fmt::format("-f {}: {}", path, why),
              std::move(cure));
}

Result<std::string> read_text(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad())
    return unreadable(path, std::strerror(errno != 0 ? errno : EIO),
                      "Name a file or directory that is there, or - for standard input");
  return text;
}

Result<std::vector<std::string>> files_of(const std::string& path) {
  std::error_code error;
  if (path == "-" || !fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> out;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const auto suffix = at->path().extension();
    const bool named_so = suffix == ".yaml" || suffix == ".yml" || suffix == ".json";
    std::error_code gone;  // a link that leads nowhere
    if (named_so && at->is_regular_file(gone)) out.push_back(at->path().string());
  }
  if (error) return unreadable(path, error.message(), "Name a directory that may be read");
  if (out.empty())
    return unreadable(path, "the directory holds no *.yaml, *.yml or *.json",
                      "Name the one that holds the manifests; directories below it are not read");
  std::sort(out.begin(), out.end());
  return out;
}

void take(nlohmann::json document, const std::string& where, std::vector<Manifest>& out) {
  const bool is_list = document.is_object() && document.value("kind", nlohmann::json()) == "List" &&
                       document.contains("items") && document["items"].is_array();
  if (!is_list) return out.push_back({where, std::move(document)});
  for (std::size_t i = 0; i < document["items"].size(); ++i)
    out.push_back({fmt::format("{}, item {}", where, i + 1), document["items"][i]});
}

}  // namespace

Result<std::vector<Manifest>> read_manifests(const std::string& path) {
  PENSTOCK_ASSIGN(const auto files, files_of(path));
  std::vector<Manifest> out;
  for (const auto& file : files) {
    PENSTOCK_ASSIGN(const auto text, read_text(file));
    auto documents = yaml_documents(text);
    if (!documents) return unreadable(file, documents.error().message, documents.error().cure);
    for (std::size_t i = 0; i < documents->size(); ++i) {
      const auto where = documents->size() == 1 ? file : fmt::format("{}, document {}", file, i + 1);
      take(std::move((*documents)[i]), where, out);
    }
  }
  if (out.empty()) return unreadable(path, "it holds no manifest", "Give a manifest of kind Pipe");
  return out;
}

Result<std::vector<Manifest>> read_manifests(const std::vector<std::string>& paths) {
  std::vector<Manifest> out;
  for (const auto& path : paths) {
    PENSTOCK_ASSIGN(auto some, read_manifests(path));
    std::move(some.begin(), some.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace penstock::cli
