#include "core/log.hpp"

#include <atomic>

#include "core/shown_text.hpp"

namespace penstock::log {
namespace {
std::atomic<Sink> current_sink{nullptr};
}

void set_sink(Sink sink) {
  current_sink.store(sink);
}

void write(Level level, std::string_view component, std::string_view message) {
  if (const Sink sink = current_sink.load()) sink(level, shown(component), shown(message));
}

}  // namespace penstock::log
