#include "controller/engine/zlib_stream.hpp"

#include <zlib.h>

#include <array>

namespace penstock::engine {
namespace {

constexpr int kWindow = 15;
constexpr int kGzip = 16;    // added to the window: write the gzip format
constexpr int kDetect = 32;  // added to the window: read zlib or gzip
constexpr int kLevel = 3;    // ClickHouse's default http_zlib_compression_level
constexpr int kMemoryLevel = 8;

Bytef* as_zlib(const char* data) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(data));  // zlib reads through a pointer to non-const
}

}  // namespace

struct Deflater::State {
  z_stream stream{};
};

struct Inflater::State {
  z_stream stream{};
  bool at_end = true;
};

std::string_view name_of(Coding coding) {
  return coding == Coding::Gzip ? "gzip" : coding == Coding::Deflate ? "deflate" : "identity";
}

Coding negotiate_coding(std::string_view accept_encoding) {
  Coding found = Coding::Identity;
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    std::string_view item = accept_encoding.substr(0, comma);
    while (item.starts_with(' '))
      item.remove_prefix(1);
    const std::string_view name = item.substr(0, item.find_first_of("; "));
    const bool refused =
        item.find("q=0") != std::string_view::npos && item.find("q=0.") == std::string_view::npos;
    if (name == "gzip" && !refused) return Coding::Gzip;
    if (name == "deflate" && !refused) found = Coding::Deflate;
    accept_encoding =
        comma == std::string_view::npos ? std::string_view() : accept_encoding.substr(comma + 1);
  }
  return found;
}

Deflater::Deflater(Coding coding)
    : state_(new State, [](State* state) {
        ::deflateEnd(&state->stream);
        delete state;
      }) {
  const int window = coding == Coding::Gzip ? kWindow + kGzip : kWindow;
  ::deflateInit2(&state_->stream, kLevel, Z_DEFLATED, window, kMemoryLevel, Z_DEFAULT_STRATEGY);
}

std::string Deflater::compress(std::string_view data, bool last) {
  z_stream& stream = state_->stream;
  stream.next_in = as_zlib(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  std::string out;
  std::array<char, 65536> piece{};
  do {
    stream.next_out = as_zlib(piece.data());
    stream.avail_out = piece.size();
    if (::deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) break;
    out.append(piece.data(), piece.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  return out;
}

Inflater::Inflater()
    : state_(new State, [](State* state) {
        ::inflateEnd(&state->stream);
        delete state;
      }) {
  ::inflateInit2(&state_->stream, kWindow + kDetect);
}

void Inflater::feed(std::string_view compressed) {
  state_->stream.next_in = as_zlib(compressed.data());
  state_->stream.avail_in = static_cast<uInt>(compressed.size());
}

bool Inflater::inflate(char* into, std::size_t size, std::size_t& produced) {
  z_stream& stream = state_->stream;
  stream.next_out = as_zlib(into);
  stream.avail_out = static_cast<uInt>(size);
  while (stream.avail_out > 0 && (stream.avail_in > 0 || !state_->at_end)) {
    state_->at_end = false;
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      state_->at_end = true;
      ::inflateReset2(&stream, kWindow + kDetect);
    } else if (result == Z_BUF_ERROR) {
      break;
    } else if (result != Z_OK) {
      return false;
    }
  }
  produced = size - stream.avail_out;
  return true;
}

bool Inflater::complete() const {
  return state_->at_end;
}

}  // namespace penstock::engine
