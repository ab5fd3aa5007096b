#pragma once

#include <string>

namespace penstock::postgres {

/// What the server at a numeric address is, where it answers and is not PostgreSQL: "speaks HTTP". Empty:
/// PostgreSQL, nobody, or nothing that can be told. Asks for a second at most. Nothing that the server says
/// is repeated.
[[nodiscard]] std::string stranger_at(const std::string& address, int port);

}  // namespace penstock::postgres
