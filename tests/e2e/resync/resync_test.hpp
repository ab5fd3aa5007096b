#pragma once

#include <gtest/gtest.h>

#include "tests/support/reader.hpp"
#include "tests/support/scene.hpp"

namespace penstock {

using namespace std::chrono_literals;
using test::conditions_of;
using test::Reader;
using test::Scene;
using test::shared_world;
using test::States;
using test::World;

/// True when, within five seconds of now, the watch has seen Setup or Snapshot after the states of `before`.
inline bool begins(const test::StateWatch& watch, const States& before) {
  return test::eventually(
      [&] {
        const auto states = watch.states();
        return states.size() > before.size() &&
               (states[before.size()] == "Setup" || states[before.size()] == "Snapshot");
      },
      5s);
}

/// True as soon as the status says that the generation was carried out.
inline bool carried_out(Scene& scene, std::int64_t generation, std::chrono::milliseconds limit = 60s) {
  return scene.dev.wait_for_field(scene.pipe, ".status.observedResyncGeneration", std::to_string(generation),
                                  limit);
}

/// Two rows in one answer: how many there are, and how many contents.
inline constexpr const char* kWhole = "SELECT count(), arraySort(groupUniqArray(v)) FROM orders FINAL";

/// Leaves the pipe without a stream and with a target that holds 2,000 rows 'old', while its source has 1,500
/// rows 'new'.
inline void change_behind_its_back(Scene& scene) {
  scene.exec("UPDATE orders SET v = 'new'; DELETE FROM orders WHERE id > 1500");
}
inline void create_old_rows(Scene& scene) {
  scene.create_table("orders", 2000);
  scene.exec("UPDATE orders SET v = 'old'");
}

}  // namespace penstock
