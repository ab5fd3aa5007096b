#pragma once

// One parser of foreign bytes each: a function of the bytes that ends the process when a promise does not
// hold. Two programs are made of it: a libFuzzer target (`make test-fuzz`), and, with all others and by the
// usual compiler, unit_fuzz, which goes through tests/fuzz/corpus alone.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::fuzz {

using Target = void (*)(std::string_view bytes);

/// By name, which is that of its folder below tests/fuzz/corpus.
inline std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

struct Registration {
  Registration(const char* name, Target target) { targets().emplace(name, target); }
};

/// The texts between lines of "%%", exactly `count`: all that follows is the last, those that are not there
/// are empty.
inline std::vector<std::string_view> sections(std::string_view bytes, std::size_t count) {
  constexpr std::string_view kLine = "\n%%\n";
  std::vector<std::string_view> out;
  while (out.size() + 1 < count) {
    const auto end = bytes.find(kLine);
    out.push_back(bytes.substr(0, end));
    bytes = end == std::string_view::npos ? std::string_view{} : bytes.substr(end + kLine.size());
  }
  out.push_back(bytes);
  return out;
}

[[noreturn]] inline void broken(const char* promise, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, promise);
  std::abort();
}

}  // namespace penstock::fuzz

#define FUZZ_REQUIRE(promise) \
  ((promise) ? static_cast<void>(0) : ::penstock::fuzz::broken(#promise, __FILE__, __LINE__))

#ifdef PENSTOCK_LIBFUZZER
#define PENSTOCK_FUZZ(name, bytes)                                                    \
  static void fuzz_##name(std::string_view bytes);                                    \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_##name(std::string_view(reinterpret_cast<const char*>(data), size));         \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzz_##name(std::string_view bytes)
#else
#define PENSTOCK_FUZZ(name, bytes)                                                      \
  static void fuzz_##name(std::string_view bytes);                                      \
  static const ::penstock::fuzz::Registration registration_##name(#name, &fuzz_##name); \
  static void fuzz_##name(std::string_view bytes)
#endif
