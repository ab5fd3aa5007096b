#include <nlohmann/json.hpp>

#include "controller/kube/watch_decoder.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::kube {
namespace {

struct Seen {
  std::vector<std::string> objects;
  std::string error;
  bool operator==(const Seen&) const = default;
};

// All that the pieces give, up to the first error.
Seen read(const std::vector<std::string_view>& pieces) {
  WatchDecoder decoder("watch pipes");
  Seen seen;
  for (const auto piece : pieces) {
    decoder.feed(piece);
    while (true) {
      const auto event = decoder.next();
      if (!event) {
        seen.error = event.error().text();
        return seen;
      }
      if (!*event) break;
      seen.objects.push_back((*event)->object ? (*event)->object->dump() : "");
    }
  }
  return seen;
}

}  // namespace

// However the stream is cut into pieces, the events are the same.
PENSTOCK_FUZZ(watch_stream, bytes) {
  const auto whole = read({bytes});
  FUZZ_REQUIRE(whole.objects.size() <= bytes.size());
  const auto cut = bytes.size() / 3;
  FUZZ_REQUIRE(read({bytes.substr(0, cut), bytes.substr(cut)}) == whole);
}

}  // namespace penstock::kube
