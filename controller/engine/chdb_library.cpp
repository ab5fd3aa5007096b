#include "controller/engine/chdb_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <system_error>

namespace penstock::engine {
namespace {

constexpr std::string_view kCure =
    "Run `make deps` in a checkout of Penstock, or name the library with --lib or PENSTOCK_LIBCHDB";

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Resolves one symbol into the member of the same type; false, with `missing` set, when the library lacks it.
template <typename Function>
bool resolve(void* library, const char* symbol, Function& into, std::string& missing) {
  into = reinterpret_cast<Function>(::dlsym(library, symbol));
  if (into == nullptr && missing.empty()) missing = symbol;
  return into != nullptr;
}

}  // namespace

std::vector<std::string> library_candidates(const std::string& wanted, const std::string& environment,
                                            const std::string& program_directory) {
  if (!wanted.empty()) return {wanted};
  if (!environment.empty()) return {environment};
  return {program_directory + "/../../.deps/libchdb/libchdb.so",
          program_directory + "/../lib/penstock/libchdb.so", "/usr/lib/penstock/libchdb.so"};
}

Result<std::string> find_library(const std::vector<std::string>& candidates) {
  for (const auto& candidate : candidates) {
    std::error_code error;
    if (std::filesystem::is_regular_file(candidate, error)) return candidate;
  }
  return fail(ErrorKind::NeedsUser, "EngineLibraryMissing",
              fmt::format("the embedded engine's library is not at {}", fmt::join(candidates, ", ")),
              std::string(kCure));
}

Result<ChdbApi> load_library(const std::string& path) {
  if (kSanitized) {
    return fail(ErrorKind::NeedsUser, "EngineLibraryBroken",
                "a build with a sanitizer in it cannot load the embedded engine's library",
                "Name a build without one by PENSTOCK_ENGINE_BINARY");
  }
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return fail(ErrorKind::NeedsUser, "EngineLibraryBroken",
                fmt::format("cannot load {}: {}", path, ::dlerror()), std::string(kCure));
  }
  ChdbApi api;
  std::string missing;
  resolve(library, "chdb_set_signal_handlers_enabled", api.set_signal_handlers_enabled, missing);
  resolve(library, "chdb_connect", api.connect, missing);
  resolve(library, "chdb_close_conn", api.close, missing);
  resolve(library, "chdb_query_with_params_n", api.query, missing);
  resolve(library, "chdb_destroy_query_result", api.destroy_result, missing);
  resolve(library, "chdb_result_buffer", api.result_buffer, missing);
  resolve(library, "chdb_result_length", api.result_length, missing);
  resolve(library, "chdb_result_error", api.result_error, missing);
  resolve(library, "chdb_result_rows_read", api.result_rows, missing);
  resolve(library, "chdb_result_bytes_read", api.result_bytes, missing);
  resolve(library, "chdb_result_storage_rows_read", api.rows_read, missing);
  resolve(library, "chdb_result_storage_bytes_read", api.bytes_read, missing);
  resolve(library, "chdb_result_rows_written", api.rows_written, missing);
  resolve(library, "chdb_result_bytes_written", api.bytes_written, missing);
  resolve(library, "chdb_stream_insert_with_params_n", api.insert, missing);
  resolve(library, "chdb_stream_append", api.append, missing);
  resolve(library, "chdb_stream_done", api.finish_insert, missing);
  resolve(library, "chdb_stream_cancel_insert", api.cancel_insert, missing);
  resolve(library, "chdb_stream_insert_error", api.insert_error, missing);
  resolve(library, "chdb_destroy_insert_stream", api.destroy_insert, missing);
  resolve(library, "chdb_classify_query_n", api.classify, missing);
  if (!missing.empty()) {
    return fail(ErrorKind::NeedsUser, "EngineLibraryBroken",
                fmt::format("{} lacks {}: it is not the version Penstock is made for", path, missing),
                std::string(kCure));
  }
  api.set_signal_handlers_enabled(0);
  return api;
}

std::string program_directory() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string(".") : program.parent_path().string();
}

}  // namespace penstock::engine
