#pragma once

namespace CLI {
class App;
}

namespace penstock::cli {

/// `penstock plan -f pipe.yaml`: what applying the manifest would do.
void add_plan_command(CLI::App& app);

}  // namespace penstock::cli
