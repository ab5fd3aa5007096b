#include "tests/support/reader.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace penstock::test {

Reader::Reader(EngineServer& engine, std::string database, std::string sql)
    : engine_(engine), database_(std::move(database)), sql_(std::move(sql)), thread_([this] { ask(); }) {}

Reader::~Reader() {
  (void)answers();
}

std::vector<std::string> Reader::answers() {
  done_.store(true);
  if (thread_.joinable()) thread_.join();
  return answers_;
}

void Reader::ask() {
  for (bool last = false; !last;) {
    last = done_.load();
    std::string answer;
    try {
      answer = engine_.value(sql_, {{"database", database_}});
    } catch (const std::exception& error) {
      answer = std::string("error: ") + error.what();
    }
    if (answers_.empty() || answers_.back() != answer) answers_.push_back(std::move(answer));
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // leaves the machine to what is tested
  }
}

}  // namespace penstock::test
