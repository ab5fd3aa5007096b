#pragma once

#include <functional>

#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

using ReadSecret = std::function<Result<Secret>(const std::string& ns, const SecretKeyRef& ref)>;

/// Those of the Secret values that a Pipe refers to that can be read and used.
struct SecretValues {
  Credentials values;
  std::optional<Error> no_source, no_destination;  ///< of that side, the first that cannot
  [[nodiscard]] std::optional<Error> missing() const { return no_source ? no_source : no_destination; }
};
[[nodiscard]] SecretValues read_secrets(const Pipe& pipe, const ReadSecret& read);
/// Every Secret value that the Pipe refers to; the error of the first that cannot be read, or cannot be used
/// as it is: SecretValueInvalid, DestinationCredentialsInvalid (NeedsUser), naming Secret and key.
[[nodiscard]] Result<Credentials> read_credentials(const Pipe& pipe, const ReadSecret& read);

}  // namespace penstock::reconcile
