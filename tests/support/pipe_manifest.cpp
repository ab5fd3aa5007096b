#include "tests/support/pipe_manifest.hpp"

#include <fmt/format.h>

#include <utility>

namespace penstock::test {

PipeManifest::PipeManifest(std::string pipe, const PostgresServer& postgres, std::string source_database,
                           const EngineServer& engine, std::vector<std::string> wanted)
    : name(std::move(pipe)),
      host(postgres.host()),
      port(postgres.port()),
      database(std::move(source_database)),
      url(engine.url()),
      target_database(database),
      tables(std::move(wanted)) {}

std::string PipeManifest::secret() const {
  return fmt::format(
      "apiVersion: v1\nkind: Secret\nmetadata: {{name: {}-postgres}}\nstringData: {{password: '{}'}}\n", name,
      password);
}

std::string PipeManifest::pipe() const {
  std::string lines;
  for (const auto& table : tables)
    lines += "    - " + (table.starts_with('{') ? table : "source: " + table) + "\n";
  return fmt::format(
      "apiVersion: penstock.dev/v1alpha1\n"
      "kind: Pipe\n"
      "metadata: {{name: {0}}}\n"
      "spec:\n"
      "  source:\n"
      "    postgres: {{host: {1}, port: {2}, database: {3}, user: {4}, tls: {{mode: {10}}},"
      " passwordSecretRef: {{name: {0}-postgres, key: password}}{5}}}\n"
      "  destination:\n"
      "    clickhouse: {{url: '{6}', database: {7}{11}}}\n"
      "  tables:\n{8}{9}",
      name, host, port, database, user, source_more, url, target_database, lines, spec_more, tls,
      destination_more);
}

}  // namespace penstock::test
