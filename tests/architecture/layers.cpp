#include "tests/architecture/layers.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

namespace penstock::architecture {
namespace {

constexpr int kMostLines = 400;

struct Layer {
  std::string_view folder;
  std::vector<std::string_view> may_include;  // layers, beside itself
};

// The table of docs/architecture.md. A file belongs to the layer with the longest folder that holds it.
const std::vector<Layer> kLayers = {
    {"core", {}},
    {"crds", {"core"}},
    {"dataplane/columns", {"core"}},
    {"dataplane/postgres", {"core", "dataplane/columns"}},
    {"dataplane/clickhouse", {"core", "dataplane/columns"}},
    {"dataplane/pipeline", {"core", "dataplane/columns", "dataplane/postgres", "dataplane/clickhouse"}},
    {"reconcilers", {"core", "crds"}},
    {"controller/runtime", {"core", "crds"}},
    {"controller/kube", {"core", "crds", "controller/runtime"}},
    {"controller/apiserver", {"core", "crds", "controller/runtime"}},
    {"controller/engine", {"core"}},
    {"controller/adapters",
     {"core", "crds", "dataplane/columns", "dataplane/postgres", "dataplane/clickhouse", "dataplane/pipeline",
      "reconcilers", "controller/runtime", "controller/kube"}},
    {"controller",
     {"core", "crds", "dataplane/columns", "dataplane/postgres", "dataplane/clickhouse", "dataplane/pipeline",
      "reconcilers", "controller/runtime", "controller/kube", "controller/apiserver", "controller/engine",
      "controller/adapters"}},
};

struct Library {
  std::string_view headers;             // what its includes begin with
  std::vector<std::string_view> homes;  // folders or files; none: any that needs it
  bool light = false;                   // may stand in a header that other layers include
};

const std::vector<Library> kLibraries = {
    {"fmt/", {}, true},
    {"tl/expected.hpp", {}, true},
    {"nlohmann/json_fwd.hpp", {}, true},
    {"nlohmann/", {}},
    {"yaml-cpp/", {"crds", "controller/cli", "controller/kube/kube_config.cpp"}},
    {"pqxx/", {"dataplane/postgres"}},
    {"libpq", {"dataplane/postgres"}},
    {"curl/", {"dataplane/clickhouse"}},
    {"cpprest/", {"controller/kube"}},
    {"pplx/", {"controller/kube"}},
    {"boost/beast", {"controller/apiserver", "controller/engine", "controller/adapters/metrics"}},
    {"boost/asio", {"controller/apiserver", "controller/engine", "controller/adapters/metrics"}},
    {"sqlite3.h", {"controller/apiserver"}},
    {"zlib.h", {"controller/engine"}},
    {"prometheus/", {"controller/adapters/metrics"}},
    {"spdlog/", {"controller/cli", "controller/main.cpp"}},
    {"CLI/", {"controller/cli", "controller/main.cpp"}},
    {"openssl/", {"controller/kube", "controller/apiserver", "dataplane/postgres"}},
};

// Headers of the system: these folders, and names without a folder from this list. C++'s own have no dot.
constexpr std::array<std::string_view, 5> kSystemFolders = {"sys/", "netinet/", "arpa/", "linux/", "bits/"};
constexpr std::array<std::string_view, 17> kSystemHeaders = {
    "dlfcn.h", "endian.h", "errno.h",  "fcntl.h", "grp.h",    "malloc.h", "netdb.h", "poll.h",  "pthread.h",
    "pwd.h",   "sched.h",  "signal.h", "spawn.h", "stdlib.h", "string.h", "time.h",  "unistd.h"};

struct Include {
  std::string target;
  bool quoted = false;
};

std::vector<Include> includes_of(const std::string& text) {
  std::vector<Include> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string_view rest = line;
    const auto skip_blanks = [&rest] {
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    };
    skip_blanks();
    if (!rest.starts_with('#')) continue;
    rest.remove_prefix(1);
    skip_blanks();
    if (!rest.starts_with("include")) continue;
    rest.remove_prefix(std::string_view("include").size());
    skip_blanks();
    const bool quoted = rest.starts_with('"');
    if (!quoted && !rest.starts_with('<')) continue;
    rest.remove_prefix(1);
    const auto end = rest.find(quoted ? '"' : '>');
    if (end != std::string_view::npos) found.push_back({std::string(rest.substr(0, end)), quoted});
  }
  return found;
}

bool lies_in(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

const Layer* layer_of(std::string_view path) {
  const Layer* found = nullptr;
  for (const auto& layer : kLayers)
    if (lies_in(path, layer.folder) && (!found || layer.folder.size() > found->folder.size())) found = &layer;
  return found;
}

bool is_system_header(std::string_view name) {
  if (name.find('.') == std::string_view::npos && name.find('/') == std::string_view::npos) return true;
  if (std::ranges::find(kSystemHeaders, name) != kSystemHeaders.end()) return true;
  return std::ranges::any_of(kSystemFolders, [&](auto folder) { return name.starts_with(folder); });
}

const Library* library_of(std::string_view include) {
  const auto found = std::ranges::find_if(
      kLibraries, [&](const Library& library) { return include.starts_with(library.headers); });
  return found == kLibraries.end() ? nullptr : &*found;
}

template <typename Strings>
std::string joined(const Strings& strings) {
  std::string text;
  for (const auto& string : strings)
    text += (text.empty() ? "" : ", ") + std::string(string);
  return text.empty() ? "nothing" : text;
}

std::optional<std::string> breach_of_layers(const SourceFile& file, const Layer& layer,
                                            const Include& include) {
  if (!include.quoted || include.target.ends_with(".inc")) return std::nullopt;  // .inc: made by the build
  const auto* target = layer_of(include.target);
  if (!target)
    return file.path + " includes \"" + include.target + "\": write the path from the root, into a layer";
  if (target == &layer || std::ranges::find(layer.may_include, target->folder) != layer.may_include.end())
    return std::nullopt;
  return file.path + " includes \"" + include.target + "\": " + std::string(layer.folder) + " may include " +
         joined(layer.may_include);
}

// Which heavy library a header brings to whoever includes it, by path of the header.
std::map<std::string, std::string> heavy_headers(const std::vector<SourceFile>& files) {
  std::map<std::string, std::vector<std::string>> included_by;
  std::map<std::string, std::string> heavy;
  std::vector<std::string> fresh;
  for (const auto& file : files) {
    if (!file.path.ends_with(".hpp")) continue;
    for (const auto& include : includes_of(file.text)) {
      if (include.quoted) included_by[include.target].push_back(file.path);
      const auto* library = include.quoted ? nullptr : library_of(include.target);
      if (library && !library->light && heavy.emplace(file.path, include.target).second)
        fresh.push_back(file.path);
    }
  }
  while (!fresh.empty()) {
    const auto header = fresh.back();
    fresh.pop_back();
    for (const auto& user : included_by[header])
      if (heavy.emplace(user, heavy[header]).second) fresh.push_back(user);
  }
  return heavy;
}

}  // namespace

std::vector<SourceFile> sources_in(std::initializer_list<const char*> folders) {
  const std::filesystem::path root = PENSTOCK_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const char* folder : folders)
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
      std::ifstream in(entry.path());
      files.push_back({std::filesystem::relative(entry.path(), root).generic_string(),
                       {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()}});
    }
  return files;
}

Breaches upward_includes(const std::vector<SourceFile>& files) {
  Breaches breaches;
  for (const auto& file : files) {
    const auto* layer = layer_of(file.path);
    if (!layer) {
      breaches.push_back(file.path + " is in no layer");
      continue;
    }
    for (const auto& include : includes_of(file.text))
      if (auto breach = breach_of_layers(file, *layer, include)) breaches.push_back(*std::move(breach));
  }
  return breaches;
}

Breaches strayed_libraries(const std::vector<SourceFile>& files) {
  Breaches breaches;
  for (const auto& file : files) {
    for (const auto& include : includes_of(file.text)) {
      if (include.quoted || is_system_header(include.target)) continue;
      const auto* library = library_of(include.target);
      if (!library) {
        breaches.push_back(file.path + " includes <" + include.target + ">, a library without a home");
        continue;
      }
      const auto& homes = library->homes;
      if (!homes.empty() && std::ranges::none_of(homes, [&](auto home) { return lies_in(file.path, home); }))
        breaches.push_back(file.path + " includes <" + include.target + ">, at home in " + joined(homes));
    }
  }
  return breaches;
}

Breaches leaked_libraries(const std::vector<SourceFile>& files) {
  Breaches breaches;
  const auto heavy = heavy_headers(files);
  for (const auto& file : files)
    for (const auto& include : includes_of(file.text)) {
      const auto found = include.quoted ? heavy.find(include.target) : heavy.end();
      if (found != heavy.end() && layer_of(file.path) != layer_of(include.target))
        breaches.push_back(file.path + " includes \"" + include.target +
                           "\" of another layer, and with it <" + found->second + ">");
    }
  return breaches;
}

Breaches long_files(const std::vector<SourceFile>& files) {
  Breaches breaches;
  for (const auto& file : files)
    if (const auto lines = std::ranges::count(file.text, '\n'); lines > kMostLines)
      breaches.push_back(file.path + " holds " + std::to_string(lines) +
                         " lines, two ideas in one room perhaps; " + std::to_string(kMostLines) +
                         " are allowed");
  return breaches;
}

std::vector<std::string> layer_folders() {
  std::vector<std::string> folders;
  for (const auto& layer : kLayers)
    folders.emplace_back(layer.folder);
  return folders;
}

}  // namespace penstock::architecture
