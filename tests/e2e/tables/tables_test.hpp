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

/// Names of the tables in the pipe's publication, in order, with a comma between them.
inline std::string published(Scene& scene) {
  return scene.value(
      "SELECT coalesce(string_agg(tablename, ',' ORDER BY tablename), '') FROM pg_publication_tables");
}

/// The spec's tables are those from now on.
inline void set_tables(Scene& scene, std::vector<std::string> tables) {
  scene.declare(std::move(tables));
  scene.dev.apply(scene.manifest.pipe());
}

}  // namespace penstock
