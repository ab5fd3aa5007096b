#pragma once

#include <functional>

#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

using ReadSecret = std::function<Result<Secret>(const std::string& ns, const SecretKeyRef& ref)>;

/// Every Secret value that the Pipe refers to; the error of the first that cannot be read, or cannot be used
/// as it is: SecretValueInvalid, DestinationCredentialsInvalid (NeedsUser), naming Secret and key.
[[nodiscard]] Result<Credentials> read_credentials(const Pipe& pipe, const ReadSecret& read);

}  // namespace penstock::reconcile
