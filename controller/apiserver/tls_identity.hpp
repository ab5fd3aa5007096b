#pragma once

#include <string>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace penstock::apiserver {

/// A certificate that signs itself, and its key. TLS is used on loopback too, because kubectl sends no token
/// over plain HTTP: client-go reads a kubeconfig's user only when the server's URL is https.
struct TlsIdentity {
  std::string certificate_pem;
  Secret key_pem;
};

/// A new one (EC P-256, ten years) for localhost, 127.0.0.1 and ::1.
[[nodiscard]] Result<TlsIdentity> make_tls_identity(WallTime now);

/// True when the certificate can be read and does not end within a month.
[[nodiscard]] bool is_usable(const TlsIdentity& identity, WallTime now);

}  // namespace penstock::apiserver
