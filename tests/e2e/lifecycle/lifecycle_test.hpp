#pragma once

#include "tests/support/scene.hpp"

namespace penstock {

using namespace std::chrono_literals;
using test::conditions_of;
using test::Scene;
using test::shared_world;
using test::States;
using test::World;

}  // namespace penstock
