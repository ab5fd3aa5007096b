#include "controller/apiserver/tls_identity.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>

namespace penstock::apiserver {

namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;

constexpr std::chrono::seconds kLifetime{10LL * 365 * 24 * 3600};
constexpr std::chrono::seconds kBackdated{24 * 3600};
constexpr std::chrono::seconds kRenewBefore{30LL * 24 * 3600};

std::time_t seconds_of(WallTime time) {
  return std::chrono::system_clock::to_time_t(time);
}

bool add_extension(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  const Number number(BN_new());
  return number && BN_rand(number.get(), 126, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509* certificate) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>("penstock");
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

tl::unexpected<Error> fault() {
  return fail(ErrorKind::Internal, "CertificateFailed",
              "the TLS certificate of the embedded API cannot be made");
}

}  // namespace

Result<TlsIdentity> make_tls_identity(WallTime now) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (!key || !certificate) return fault();
  X509* x509 = certificate.get();
  const bool made = X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509) && set_name(x509) &&
                    ASN1_TIME_set(X509_getm_notBefore(x509), seconds_of(now - kBackdated)) != nullptr &&
                    ASN1_TIME_set(X509_getm_notAfter(x509), seconds_of(now + kLifetime)) != nullptr &&
                    X509_set_pubkey(x509, key.get()) == 1 &&
                    add_extension(x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    add_extension(x509, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
                    add_extension(x509, NID_ext_key_usage, "serverAuth") &&
                    add_extension(x509, NID_subject_key_identifier, "hash") &&
                    add_extension(x509, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
                    X509_sign(x509, key.get(), EVP_sha256()) != 0;
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  if (!made || !certificate_text || !key_text || PEM_write_bio_X509(certificate_text.get(), x509) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fault();
  }
  return TlsIdentity{text_of(certificate_text.get()), Secret(text_of(key_text.get()))};
}

bool is_usable(const TlsIdentity& identity, WallTime now) {
  const Bio bio(
      BIO_new_mem_buf(identity.certificate_pem.data(), static_cast<int>(identity.certificate_pem.size())));
  if (!bio) return false;
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate || identity.key_pem.empty()) return false;
  auto deadline = seconds_of(now + kRenewBefore);
  auto present = seconds_of(now);
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &deadline) > 0 &&
         X509_cmp_time(X509_get0_notBefore(certificate.get()), &present) < 0;
}

}  // namespace penstock::apiserver
