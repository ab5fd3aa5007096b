#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace penstock::engine {

/// HTTP content codings that zlib knows (RFC 9110, 8.4.1: "deflate" is the zlib format).
enum class Coding { Identity, Gzip, Deflate };

[[nodiscard]] std::string_view name_of(Coding coding);

/// The coding to answer with, from an Accept-Encoding field: gzip before deflate, Identity when neither is
/// taken.
[[nodiscard]] Coding negotiate_coding(std::string_view accept_encoding);

/// Compresses a stream piece by piece.
class Deflater {
 public:
  explicit Deflater(Coding coding);
  /// The bytes to send for `data`, perhaps none yet; with `last`, all that is left.
  [[nodiscard]] std::string compress(std::string_view data, bool last);

 private:
  struct State;
  std::unique_ptr<State, void (*)(State*)> state_;
};

/// Decompresses a stream piece by piece; takes both codings by what the bytes say, and gzip members in a row.
class Inflater {
 public:
  Inflater();

  /// Hands over the next compressed bytes; the view must live until they are used up.
  void feed(std::string_view compressed);
  /// Fills `into` as far as the fed bytes allow. Zero: feed more. Fails (false) on damaged data.
  [[nodiscard]] bool inflate(char* into, std::size_t size, std::size_t& produced);
  /// True when what was fed ended with a whole stream: nothing was cut off.
  [[nodiscard]] bool complete() const;

 private:
  struct State;
  std::unique_ptr<State, void (*)(State*)> state_;
};

}  // namespace penstock::engine
