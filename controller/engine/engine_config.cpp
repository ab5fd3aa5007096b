#include "controller/engine/engine_config.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace penstock::engine {
namespace {

// What clickhouse-local has for `default`, but for the grants.
constexpr std::string_view kUsers = R"(<clickhouse>
<profiles><default/></profiles>
<users><default>
  <password></password>
  <networks><ip>::/0</ip></networks>
  <profile>default</profile>
  <quota>default</quota>
  <grants>
    <query>GRANT ALL ON *.*</query>
    <query>REVOKE ACCESS MANAGEMENT, NAMED COLLECTION ADMIN, BACKUP ON *.*</query>{}
  </grants>
</default></users>
<quotas><default/></quotas>
</clickhouse>
)";

// Of table engines, only those that are sources ask for a privilege.
constexpr std::string_view kNoSources = R"(
    <query>REVOKE SOURCES ON *.*</query>
    <query>REVOKE READ ON *, WRITE ON *, TABLE ENGINE ON *</query>)";

constexpr std::string_view kConfig = R"(<clickhouse>
<users_config>{}</users_config>
<access_control_improvements><table_engines_require_grant>true</table_engines_require_grant></access_control_improvements>
<user_files_path>{path}/user_files/</user_files_path>
<user_scripts_path>{path}/user_scripts/</user_scripts_path>
<format_schema_path>{path}/format_schemas/</format_schema_path>
</clickhouse>
)";

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

// A file that is in no directory, so that nothing beside it (conf.d) is read with it and no statement can
// write it.
Result<std::string> file_in_memory(const char* name, const std::string& text) {
  const int descriptor = ::memfd_create(name, MFD_CLOEXEC);
  if (descriptor < 0 || ::write(descriptor, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail(ErrorKind::Internal, "EngineNotStarted",
                fmt::format("cannot write the engine's configuration: {}", std::strerror(errno)));
  }
  return fmt::format("/proc/self/fd/{}", descriptor);
}

}  // namespace

Result<std::string> make_engine_config(const std::string& data_directory, bool allow_sources) {
  PENSTOCK_ASSIGN(const auto users,
                  file_in_memory("engine-users", fmt::format(kUsers, allow_sources ? "" : kNoSources)));
  return file_in_memory("engine-config",
                        fmt::format(kConfig, users, fmt::arg("path", escape(data_directory))));
}

}  // namespace penstock::engine
