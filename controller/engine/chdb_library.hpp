#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace penstock::engine {

// The part of libchdb's C interface that is used here, resolved with dlsym so that Penstock neither links the
// library nor needs its headers (chdb-io/chdb-core, programs/local/chdb.h, version 26.7).
struct ChdbResult;        // opaque: chdb_result
struct ChdbInsertStream;  // opaque: what chdb_insert_stream points to
struct ChdbSession;       // opaque: what chdb_connection points to

/// chdb_query_analysis_v1.
struct ChdbQueryAnalysis {
  std::uint32_t struct_size = sizeof(ChdbQueryAnalysis);
  std::uint32_t statement_count = 0;
  std::uint32_t flags = 0;
  std::uint32_t query_class = 0;
};

struct ChdbApi {
  void (*set_signal_handlers_enabled)(int) = nullptr;
  ChdbSession** (*connect)(int, char**) = nullptr;
  void (*close)(ChdbSession**) = nullptr;

  ChdbResult* (*query)(ChdbSession*, const char* sql, std::size_t, const char* format, std::size_t,
                       const char* const* names, const std::size_t* name_lengths, const char* const* values,
                       const std::size_t* value_lengths, std::size_t count) = nullptr;
  void (*destroy_result)(ChdbResult*) = nullptr;
  char* (*result_buffer)(ChdbResult*) = nullptr;
  std::size_t (*result_length)(ChdbResult*) = nullptr;
  const char* (*result_error)(ChdbResult*) = nullptr;
  std::uint64_t (*result_rows)(ChdbResult*) = nullptr;
  std::uint64_t (*result_bytes)(ChdbResult*) = nullptr;
  std::uint64_t (*rows_read)(ChdbResult*) = nullptr;
  std::uint64_t (*bytes_read)(ChdbResult*) = nullptr;
  std::uint64_t (*rows_written)(ChdbResult*) = nullptr;
  std::uint64_t (*bytes_written)(ChdbResult*) = nullptr;

  ChdbInsertStream* (*insert)(ChdbSession*, const char* sql, std::size_t, const char* format, std::size_t,
                              const char* const* names, const std::size_t* name_lengths,
                              const char* const* values, const std::size_t* value_lengths,
                              std::size_t count) = nullptr;
  int (*append)(ChdbInsertStream*, const void*, std::size_t) = nullptr;
  ChdbResult* (*finish_insert)(ChdbInsertStream*) = nullptr;
  void (*cancel_insert)(ChdbInsertStream*) = nullptr;
  const char* (*insert_error)(ChdbInsertStream*) = nullptr;
  void (*destroy_insert)(ChdbInsertStream*) = nullptr;

  int (*classify)(ChdbSession*, const char* sql, std::size_t, const char* database, std::size_t,
                  ChdbQueryAnalysis*) = nullptr;
};

/// Where the library is looked for, in order: `wanted` alone when it is given, else PENSTOCK_LIBCHDB alone
/// when that is set, else beside the program as a checkout, an installation and a package have it.
[[nodiscard]] std::vector<std::string> library_candidates(const std::string& wanted,
                                                          const std::string& environment,
                                                          const std::string& program_directory);

/// The first candidate that exists; else an error that names every place and says what to do.
[[nodiscard]] Result<std::string> find_library(const std::vector<std::string>& candidates);

/// Loads it for the rest of the process's life and switches its signal handlers off.
[[nodiscard]] Result<ChdbApi> load_library(const std::string& path);

/// The directory that the running program is in.
[[nodiscard]] std::string program_directory();

}  // namespace penstock::engine
