// Twenty pipes on five servers that hang, refuse, stall or answer garbage at random: whoever has well servers
// is served promptly, and whoever has not says so.

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "tests/chaos/clinic.hpp"

namespace penstock::chaos {
namespace {

constexpr const char* kUsage =
    "usage: penstock_chaos [--seconds N] [--seed N] [--pipes N]\n"
    "Runs pipes on servers that are sick at random. Fails when a pause, a resume or a deletion of a pipe "
    "whose\n"
    "servers are well takes more than 2 s, when a pipe does not say within 30 s that a server is sick, or "
    "when\n"
    "rows differ at the end. Example: penstock_chaos --seconds 600 --seed 7\n";

Options read(int argc, char** argv) {
  Options out;
  for (int at = 1; at < argc; at += 2) {
    const std::string flag = argv[at];
    if (at + 1 == argc) throw std::invalid_argument(flag + " needs a number");
    const auto number = std::stoull(argv[at + 1]);
    if (flag == "--seconds")
      out.duration = std::chrono::seconds(number);
    else if (flag == "--seed")
      out.seed = number;
    else if (flag == "--pipes")
      out.pipes = static_cast<int>(number);
    else
      throw std::invalid_argument("unknown flag " + flag);
  }
  return out;
}

int run(const Options& options) {
  Clinic clinic(options);
  if (clinic.open()) {
    clinic.run();
    clinic.close();
  }
  clinic.findings().print();
  fmt::print("{} faults with seed {}\n", clinic.findings().faults(), options.seed);
  return clinic.findings().faults() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace penstock::chaos

int main(int argc, char** argv) {
  try {
    return penstock::chaos::run(penstock::chaos::read(argc, argv));
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "{}\n{}", error.what(), penstock::chaos::kUsage);
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
