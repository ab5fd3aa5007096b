#pragma once

// What people and other programs do: manifests, rows, servers.

#include <functional>

#include "tests/unit/reconcilers/simulation/stage.hpp"

namespace penstock::reconcile::simulation {

/// A write that changes nothing of ours: an annotation.
void touch(Stage& stage);
/// `kubectl apply` of an edited manifest.
void edit(Stage& stage, const std::function<void(PipeSpec&)>& change);
/// `kubectl delete`.
void remove_pipe(Stage& stage);
/// Of tables by their index.
/// As after a restore that brings no statuses back.
void lose_status(Stage& stage);
/// `kubectl edit --subresource=status`.
void edit_status(Stage& stage, const std::function<void(PipeStatus&)>& change);
[[nodiscard]] TableSpec table_spec(int table);
void create_pipe(Stage& stage, const PipeSpec& spec);

/// A committed change of one row.
void write_row(World& world, int table, int key, bool deleted = false);

}  // namespace penstock::reconcile::simulation
