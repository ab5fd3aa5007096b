#include "controller/kube/kube_config.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace penstock::kube {
namespace {

namespace fs = std::filesystem;

constexpr const char* kToken = "hunter2-token";

/// A kubeconfig with one cluster and one user; what a case needs is put in their place.
std::string kubeconfig(const std::string& cluster, const std::string& user, const std::string& context = "") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
         "contexts:\n- name: other\n  context: {cluster: nope, user: nope}\n"
         "- name: main\n  context: {cluster: here, user: me" +
         context +
         "}\n"
         "clusters:\n- name: here\n  cluster: {" +
         cluster +
         "}\n"
         "users:\n- name: me\n  user: {" +
         user + "}\n";
}

class KubeConfigTest : public testing::Test {
 protected:
  fs::path write(const fs::path& name, const std::string& text) {
    auto path = dir_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  Result<KubeConfig> load(const std::string& text) { return load_kubeconfig(write("config", text)); }
  /// The message of the refusal; fails the test when it was accepted or names a secret.
  std::string refusal(const std::string& text) {
    const auto config = load(text);
    EXPECT_FALSE(config) << text;
    if (config) return {};
    EXPECT_EQ(config.error().kind, ErrorKind::NeedsUser);
    EXPECT_EQ(config.error().reason, "InvalidKubeconfig");
    EXPECT_EQ(config.error().text().find("hunter2"), std::string::npos) << config.error().text();
    return config.error().text();
  }
  Environment environment(const std::map<std::string, std::string>& values) {
    return [values](const char* name) -> std::optional<std::string> {
      const auto found = values.find(name);
      return found == values.end() ? std::nullopt : std::optional(found->second);
    };
  }

  test::TempDir dir_;
};

TEST_F(KubeConfigTest, ReadsServerTokenAndNamespaceOfTheCurrentContext) {
  const auto config =
      load(kubeconfig("server: 'https://10.0.0.1:6443/'", "token: hunter2-token", ", namespace: data"));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "https://10.0.0.1:6443");
  EXPECT_EQ(config->token.reveal(), kToken);
  EXPECT_EQ(config->default_namespace, "data");
  EXPECT_FALSE(config->skip_tls_verify);
}

TEST_F(KubeConfigTest, ReadsCertificatesFromDataAndFromFilesBesideIt) {
  write("pki/ca.crt", "the CA");
  write("pki/me.key", "the key");
  const auto config = load(kubeconfig("server: 'https://h', certificate-authority: pki/ca.crt",
                                      "client-certificate-data: dGhlIGNlcnQ=, client-key: pki/me.key"));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->ca_pem, "the CA");
  EXPECT_EQ(config->client_certificate_pem, "the cert");
  EXPECT_EQ(config->client_key_pem.reveal(), "the key");
}

TEST_F(KubeConfigTest, DecodesBase64OfEveryLength) {
  for (const auto& [encoded, decoded] : std::map<std::string, std::string>{
           {"YQ==", "a"}, {"YWI=", "ab"}, {"YWJj", "abc"}, {"YWJjZA==", "abcd"}}) {
    const auto config = load(kubeconfig("server: 'https://h', certificate-authority-data: " + encoded, ""));
    ASSERT_TRUE(config) << config.error().text();
    EXPECT_EQ(config->ca_pem, decoded);
  }
}

TEST_F(KubeConfigTest, NamesTheTokenFileWithoutReadingIt) {
  const auto config = load(kubeconfig("server: 'https://h'", "tokenFile: tokens/mine"));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->token_file, dir_.path() / "tokens/mine");
}

TEST_F(KubeConfigTest, RefusesWhatItCannotUseAndSaysWhere) {
  const std::string user = "token: hunter2-token";
  const std::string server = "server: 'https://h'";
  const struct {
    std::string text;
    std::string says;
  } cases[] = {
      {"", "not a kubeconfig"},
      {"just text", "not a kubeconfig"},
      {"a: [1, 2", "not valid YAML, at line"},
      {"users: [{user: {token: hunter2-token}}]\nx: 'unclosed", "not valid YAML"},
      {"clusters: []", "current-context is not set"},
      {"current-context: gone", "there is no context called \"gone\""},
      {"current-context: x\ncontexts: 5", "contexts must be a list"},
      {"current-context: x\ncontexts: [{name: x}]", "contexts \"x\" has no context"},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: c}}]",
       "there is no cluster called \"c\""},
      {kubeconfig("", user), "server is missing"},
      {kubeconfig("server: 'h:6443'", user), "must begin with https://"},
      {kubeconfig("server: 'https://'", user), "has no host"},
      {kubeconfig("server: 'https://:6443'", user), "has no host"},
      {kubeconfig("server: 'https://[::1]:6443'", user), "is an IPv6 address"},
      {kubeconfig("server: 'https://me:hunter2@h'", user), "must not hold credentials"},
      {kubeconfig("server: \"https://h\\r\\nX: y\"", user), "is not a plain URL"},
      {kubeconfig("server: [1]", user), "server must be text"},
      {kubeconfig(server + ", certificate-authority-data: '%%'", user),
       "certificate-authority-data is not base64"},
      {kubeconfig(server + ", certificate-authority: nowhere.crt", user),
       "nowhere.crt: the file does not exist"},
      {kubeconfig(server + ", insecure-skip-tls-verify: maybe", user), "must be true or false"},
      {kubeconfig(server + ", insecure-skip-tls-verify: true, certificate-authority-data: YQ==", user),
       "together with"},
      {kubeconfig(server + ", proxy-url: 'http://p'", user), "proxy-url is not supported"},
      {kubeconfig(server + ", tls-server-name: x", user), "tls-server-name is not supported"},
      {kubeconfig(server, "exec: {command: aws}"), "exec is not supported"},
      {kubeconfig(server, "username: me, password: hunter2"), "username is not supported"},
      {kubeconfig(server, "client-certificate-data: YQ=="), "belong together"},
      {kubeconfig(server, "client-key-data: aHVudGVyMg"), "client-key-data is not base64"},
  };
  for (const auto& [text, says] : cases) {
    EXPECT_NE(refusal(text).find(says), std::string::npos) << text << "\n" << refusal(text);
  }
}

TEST_F(KubeConfigTest, RefusesAFileThatIsNoFile) {
  EXPECT_EQ(load_kubeconfig(dir_.path()).error().reason, "InvalidKubeconfig");
  EXPECT_NE(load_kubeconfig(dir_.path() / "none").error().text().find("does not exist"), std::string::npos);
}

TEST_F(KubeConfigTest, SurvivesDeeplyNestedYaml) {
  EXPECT_NE(refusal(std::string(100'000, '[')), "");
  EXPECT_NE(refusal(std::string(100'000, '{')), "");
}

TEST_F(KubeConfigTest, ReadsTheServiceAccountOfAPod) {
  write("account/token", "hunter2-token");
  write("account/ca.crt", "the CA");
  write("account/namespace", "penstock-system\n");
  const auto config = load_in_cluster(
      environment({{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}}),
      dir_.path() / "account");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "https://10.96.0.1:443");
  EXPECT_EQ(config->token_file, dir_.path() / "account/token");
  EXPECT_EQ(config->ca_pem, "the CA");
  EXPECT_EQ(config->default_namespace, "penstock-system");
}

TEST_F(KubeConfigTest, GoesByNameInAClusterOfIPv6) {
  write("token", "hunter2-token");
  write("ca.crt", "the CA");
  const auto config = load_in_cluster(
      environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}}), dir_.path());
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "https://kubernetes.default.svc:443");
}

TEST_F(KubeConfigTest, SaysSoOutsideOfACluster) {
  EXPECT_EQ(load_in_cluster(environment({}), dir_.path()).error().reason, "NotInCluster");
}

TEST_F(KubeConfigTest, LooksAtTheFlagThenKubeconfigThenHome) {
  const auto flag = write("flag", kubeconfig("server: 'https://flag'", ""));
  const auto variable = write("variable", kubeconfig("server: 'https://variable'", ""));
  write(".kube/config", kubeconfig("server: 'https://home'", ""));
  const auto all = environment({{"KUBECONFIG", variable}, {"HOME", dir_.path()}});
  EXPECT_EQ(find_kube_config(flag, all)->server, "https://flag");
  EXPECT_EQ(find_kube_config({}, all)->server, "https://variable");
  EXPECT_EQ(find_kube_config({}, environment({{"HOME", dir_.path()}}))->server, "https://home");
  EXPECT_EQ(find_kube_config({}, environment({})).error().reason, "NoKubeconfig");
}

TEST_F(KubeConfigTest, MergesTheFilesOfKubeconfigTheFirstWins) {
  const auto first = write("a/first", "current-context: main\nusers: [{name: me, user: {tokenFile: t}}]\n");
  const auto second = write("b/second", kubeconfig("server: 'https://second'", "token: hunter2-token"));
  const auto config =
      find_kube_config({}, environment({{"KUBECONFIG", first.string() + ":/nowhere:" + second.string()}}));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "https://second");
  EXPECT_EQ(config->token_file, dir_.path() / "a/t");
  EXPECT_TRUE(config->token.empty());
  EXPECT_FALSE(find_kube_config({}, environment({{"KUBECONFIG", "/nowhere:"}})));
}

}  // namespace
}  // namespace penstock::kube
