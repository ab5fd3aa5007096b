#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include "dataplane/postgres/catalog.hpp"
namespace penstock::postgres {
[[nodiscard]] Status drop_slots_of(const Endpoint& endpoint, const std::string& prefix, const std::string& except);
[[nodiscard]] Status drop_publications_of(const Endpoint& endpoint, const std::string& prefix, const std::string& except);
[[nodiscard]] Status wait_for_older_transactions(const Endpoint& endpoint, std::stop_token stop, const std::function<void(const Error&)>& report);
[[nodiscard]] std::optional<Error> slot_fault(const SlotFacts& slot);
}
