#pragma once

namespace CLI {
class App;
}

namespace penstock::cli {

/// Adds `penstock dev`: the embedded API, the pipes and, when asked, the embedded engine, in the foreground.
void add_dev_command(CLI::App& app);

}  // namespace penstock::cli
