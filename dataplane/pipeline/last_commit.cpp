#include "dataplane/pipeline/last_commit.hpp"

#include <fmt/format.h>

#include <sstream>

namespace penstock::pipeline {

std::string LastCommit::text() const {
  return *this ? fmt::format("{} {} {}", lsn.text(), xid, time) : "";
}

std::optional<LastCommit> LastCommit::parse(const std::string& text) {
  std::istringstream in(text);
  std::string lsn;
  LastCommit out;
  if (!(in >> lsn >> out.xid >> out.time)) return std::nullopt;
  const auto parsed = Lsn::parse(lsn);
  if (!parsed) return std::nullopt;
  out.lsn = *parsed;
  return out;
}

}  // namespace penstock::pipeline
