#pragma once

namespace CLI {
class App;
}

namespace penstock::cli {

/// `penstock engine`: the embedded ClickHouse engine in the foreground. Its exit code is thrown as
/// CLI::RuntimeError.
void add_engine_command(CLI::App& app);

}  // namespace penstock::cli
