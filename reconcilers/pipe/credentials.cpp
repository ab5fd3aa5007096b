#include "reconcilers/pipe/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace penstock::reconcile {
namespace {

std::string where(const Pipe& pipe, const SecretKeyRef& ref) {
  return fmt::format("key \"{}\" of Secret {}/{}", ref.key, pipe.ns, ref.name);
}

/// Libraries end a text at its first NUL: what stands behind would be left out in silence.
Status check_for_nul(const Pipe& pipe, const SecretKeyRef& ref, const Secret& value) {
  if (value.reveal().find('\0') == std::string::npos) return {};
  return fail(
      ErrorKind::NeedsUser, "SecretValueInvalid",
      fmt::format("{} holds a NUL byte, which neither a password nor a certificate may", where(pipe, ref)),
      "Correct it in the Secret: the text alone, in UTF-8 (UTF-16 has NUL bytes in it)");
}

/// A password for ClickHouse travels in an HTTP header.
Status check_for_header(const Pipe& pipe, const SecretKeyRef& ref, const Secret& value) {
  const std::string_view text = value.reveal();
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool bad_end = !text.empty() && (is_blank(text.front()) || is_blank(text.back()));
  const bool control =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  if (!bad_end && !control) return {};
  return fail(
      ErrorKind::NeedsUser, "DestinationCredentialsInvalid",
      fmt::format("the password for ClickHouse holds a line break, a control character, or white space "
                  "at an end: {}",
                  where(pipe, ref)),
      "Correct it in the Secret (echo -n, not echo, when one is made by hand)");
}

Result<Secret> read_usable(const Pipe& pipe, const SecretKeyRef& ref, const ReadSecret& read,
                           bool for_header) {
  PENSTOCK_ASSIGN(auto secret, read(pipe.ns, ref));
  PENSTOCK_TRY(check_for_nul(pipe, ref, secret));
  if (for_header) PENSTOCK_TRY(check_for_header(pipe, ref, secret));
  return secret;
}

}  // namespace

SecretValues read_secrets(const Pipe& pipe, const ReadSecret& read) {
  SecretValues out;
  const auto take = [&](const std::optional<SecretKeyRef>& ref, std::optional<Error>& missing) {
    if (!ref) return;
    auto secret = read_usable(pipe, *ref, read, &ref == &pipe.spec.destination.password);
    if (secret)
      out.values[ref->name + "/" + ref->key] = *std::move(secret);
    else if (!missing)
      missing = std::move(secret).error();
  };
  const auto& source = pipe.spec.source;
  for (const auto* ref :
       {&source.password, &source.tls.ca, &source.tls.client_certificate, &source.tls.client_key})
    take(*ref, out.no_source);
  for (const auto* ref : {&pipe.spec.destination.password, &pipe.spec.destination.ca})
    take(*ref, out.no_destination);
  return out;
}

Result<Credentials> read_credentials(const Pipe& pipe, const ReadSecret& read) {
  auto out = read_secrets(pipe, read);
  if (auto missing = out.missing()) return fail(*std::move(missing));
  return std::move(out.values);
}

}  // namespace penstock::reconcile
