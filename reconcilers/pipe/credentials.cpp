#include "reconcilers/pipe/credentials.hpp"

namespace penstock::reconcile {

Result<Credentials> read_credentials(const Pipe& pipe, const ReadSecret& read) {
  Credentials out;
  const auto& source = pipe.spec.source;
  const auto& destination = pipe.spec.destination;
  for (const auto* ref : {&source.password, &source.tls.ca, &source.tls.client_certificate,
                          &source.tls.client_key, &destination.password, &destination.ca}) {
    if (!*ref) continue;
    PENSTOCK_ASSIGN(auto secret, read(pipe.ns, **ref));
    out[(*ref)->name + "/" + (*ref)->key] = std::move(secret);
  }
  return out;
}

}  // namespace penstock::reconcile
