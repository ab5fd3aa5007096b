#pragma once

#include <functional>

#include "tests/histories/history.hpp"

namespace penstock::histories {

/// The indexes of those candidates that still fail; asked for several at once.
using StillFail = std::function<std::vector<bool>(const std::vector<History>&)>;

/// A shortest history, or nearly, that still fails: lines are left out as long as it does, at first many at
/// once (delta debugging, as in Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input").
/// `give_up`: asked before each round.
History shrink(History failing, const StillFail& still_fail, const std::function<bool()>& give_up);

}  // namespace penstock::histories
