#include "tests/integration/kube/scripted_server.hpp"

#include <utility>  // first: this Boost forgets it

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace penstock::test {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("cannot make the extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <typename Stream>
class StreamWire final : public Wire {
 public:
  explicit StreamWire(Stream& stream) : stream_(stream), socket_(beast::get_lowest_layer(stream)) {}

  bool send(std::string_view bytes) override {
    boost::system::error_code error;
    asio::write(stream_, asio::buffer(bytes), error);
    if (error) broken_ = true;
    return !error;
  }

  void break_off() override {
    boost::system::error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    broken_ = true;  // closed by who serves it, once the script is through
  }

  bool closed_within(std::chrono::milliseconds limit) override {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    boost::system::error_code error;
    socket_.non_blocking(true, error);
    while (std::chrono::steady_clock::now() < deadline) {
      char byte = 0;
      const auto got = socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
      if (error && error != asio::error::would_block) return true;
      // With TLS the goodbye comes as bytes.
      if (got > 0 && !std::is_same_v<Stream, tcp::socket>) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    socket_.non_blocking(false, error);
    return false;
  }

  [[nodiscard]] bool broken() const { return broken_; }

 private:
  Stream& stream_;
  tcp::socket& socket_;
  bool broken_ = false;
};

}  // namespace

std::string SeenRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

void Wire::answer(int status, std::string_view json, const std::string& headers) {
  send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" + headers +
       "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + std::string(json));
}

void Wire::begin_chunks() {
  send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

bool Wire::chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return send(size + std::string(bytes) + "\r\n");
}

void Wire::end_chunks() {
  send("0\r\n\r\n");
}

Identity make_identity(const std::string& name, const Identity* issuer) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const bool address = std::isdigit(static_cast<unsigned char>(name.front())) != 0;
  add_extension(certificate, NID_subject_alt_name, (address ? "IP:" : "DNS:") + name);
  if (issuer == nullptr) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");

  EVP_PKEY* signer = key;
  X509* authority = nullptr;
  if (issuer != nullptr) {
    BIO* bio = BIO_new_mem_buf(issuer->key.data(), static_cast<int>(issuer->key.size()));
    signer = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(issuer->certificate.data(), static_cast<int>(issuer->certificate.size()));
    authority = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
  }
  X509_set_issuer_name(certificate, authority == nullptr ? subject : X509_get_subject_name(authority));
  X509_sign(certificate, signer, EVP_sha256());

  BIO* certificate_text = BIO_new(BIO_s_mem());
  BIO* key_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_text, certificate);
  PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  if (authority != nullptr) {
    X509_free(authority);
    EVP_PKEY_free(signer);
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {text_of(certificate_text), text_of(key_text)};
}

class ScriptedServer::Impl {
 public:
  Impl(Script script, const std::optional<Tls>& tls, int port)
      : script_(std::move(script)),
        acceptor_(context_, {asio::ip::address_v4::loopback(), static_cast<unsigned short>(port)}),
        tls_(tls.has_value()) {
    if (tls) {
      ssl_.use_certificate_chain(asio::buffer(tls->identity.certificate));
      ssl_.use_private_key(asio::buffer(tls->identity.key), asio::ssl::context::pem);
      if (!tls->client_ca.empty()) {
        ssl_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        ssl_.add_certificate_authority(asio::buffer(tls->client_ca));
      }
    }
    accepting_ = std::jthread([this] { accept(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      // Wakes the accept; closing an acceptor that another thread waits on would not.
      boost::system::error_code ignored;
      tcp::socket waker(context_);
      waker.connect(acceptor_.local_endpoint(), ignored);
      for (auto* socket : open_)
        ::shutdown(socket->native_handle(), SHUT_RDWR);
    }
    accepting_.join();
    connections_.clear();
  }

  [[nodiscard]] bool tls() const { return tls_; }
  [[nodiscard]] int port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] std::vector<SeenRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void accept() {
    for (int number = 1;; ++number) {
      tcp::socket socket(context_);
      boost::system::error_code error;
      acceptor_.accept(socket, error);
      const std::lock_guard lock(mutex_);
      if (error || stopping_) return;
      connections_.emplace_back([this, number, moved = std::make_shared<tcp::socket>(std::move(socket))] {
        serve(number, *moved);
      });
    }
  }

  void serve(int number, tcp::socket& socket) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      open_.push_back(&socket);
    }
    if (tls_) {
      asio::ssl::stream<tcp::socket&> stream(socket, ssl_);
      boost::system::error_code error;
      stream.handshake(asio::ssl::stream_base::server, error);
      if (!error) converse(number, stream);
    } else {
      converse(number, socket);
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, &socket);
    boost::system::error_code ignored;
    socket.close(ignored);
  }

  template <typename Stream>
  void converse(int number, Stream& stream) {
    beast::flat_buffer buffer;
    for (;;) {
      http::request<http::string_body> request;
      boost::system::error_code error;
      http::read(stream, buffer, request, error);
      if (error) return;
      SeenRequest seen{
          std::string(request.method_string()), std::string(request.target()), {}, request.body(), number};
      for (const auto& field : request) {
        std::string name(field.name_string());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return std::tolower(c); });
        seen.headers[name] = std::string(field.value());
      }
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(seen);
      }
      StreamWire<Stream> wire(stream);
      script_(seen, wire);
      if (wire.broken()) return;
    }
  }

  const Script script_;
  asio::io_context context_;
  asio::ssl::context ssl_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_;
  const bool tls_;

  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::vector<SeenRequest> requests_;
  std::vector<tcp::socket*> open_;
  std::vector<std::jthread> connections_;
  std::jthread accepting_;
};

ScriptedServer::ScriptedServer(Script script, const std::optional<Tls>& tls, int port)
    : impl_(std::make_shared<Impl>(std::move(script), tls, port)) {}

ScriptedServer::~ScriptedServer() = default;

std::string ScriptedServer::url() const {
  return std::string(impl_->tls() ? "https" : "http") + "://127.0.0.1:" + std::to_string(impl_->port());
}

std::vector<SeenRequest> ScriptedServer::requests() const {
  return impl_->requests();
}

}  // namespace penstock::test
