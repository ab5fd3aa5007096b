// What the program says to somebody who does not know it yet, or who mistypes: stdout has what was asked for,
// stderr what is wrong, and the exit code tells scripts which of the two it was.

#include <gmock/gmock.h>

#include <regex>
#include <set>

#include "tests/support/process.hpp"

namespace penstock {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Arguments = std::vector<std::string>;

test::Finished penstock(const Arguments& arguments, const std::string& input = "") {
  return test::run(PENSTOCK_BINARY, {.arguments = arguments, .input = input});
}

/// Usage: exit code 2, nothing on stdout, all of stderr.
void expect_usage(const Arguments& arguments, const std::string& err) {
  const auto done = penstock(arguments);
  EXPECT_EQ(done.status.code, 2) << done.err;
  EXPECT_EQ(done.out, "");
  EXPECT_EQ(done.err, err);
}

TEST(CommandLine, WithoutArgumentsTeachesOnStderr) {
  const auto done = penstock({});
  EXPECT_EQ(done.status.code, 2);
  EXPECT_EQ(done.out, "");
  EXPECT_THAT(done.err, StartsWith("penstock: a subcommand is needed\n"));
  EXPECT_THAT(done.err, HasSubstr("penstock dev "));
  EXPECT_THAT(done.err, HasSubstr("penstock plan -f pipe.yaml"));
}

TEST(CommandLine, HelpIsTheSameByFlagAndByWord) {
  for (const Arguments& subcommand : std::vector<Arguments>{{}, {"dev"}, {"plan"}, {"engine"}, {"version"}}) {
    Arguments word{"help"};
    word.insert(word.end(), subcommand.begin(), subcommand.end());
    Arguments flag = subcommand;
    flag.emplace_back("--help");
    const auto by_word = penstock(word);
    const auto by_flag = penstock(flag);
    EXPECT_EQ(by_word.status.code, 0);
    EXPECT_EQ(by_flag.status.code, 0);
    EXPECT_EQ(by_word.out, by_flag.out);
    EXPECT_THAT(by_word.out, HasSubstr("Usage: penstock"));
    EXPECT_EQ(by_word.err, "");
  }
  expect_usage({"help", "plam"},
               "penstock help: subcommand: unknown command \"plam\"; did you mean plan?\n"
               "See `penstock help --help`.\n");
}

TEST(CommandLine, VersionIsAFlagAndASubcommand) {
  const auto flag = penstock({"--version"});
  EXPECT_TRUE(flag.ok());
  EXPECT_THAT(flag.out, testing::MatchesRegex("penstock [0-9]+[.][0-9]+[.][0-9]+\n"));
  EXPECT_EQ(penstock({"version"}).out, flag.out);
}

TEST(CommandLine, WhatIsUnknownIsNamedWithTheNearest) {
  expect_usage({"devv"}, "penstock: unknown command \"devv\"\nDid you mean dev?\nSee `penstock --help`.\n");
  expect_usage({"replicate", "--now"}, "penstock: unknown command \"replicate\"\nSee `penstock --help`.\n");
  expect_usage(
      {"dev", "--data-dri", "x"},
      "penstock dev: unknown flag --data-dri\nDid you mean --data-dir?\nSee `penstock dev --help`.\n");
  expect_usage({"dev", "--dir=x"},
               "penstock dev: unknown flag --dir\nDid you mean --data-dir?\nSee `penstock dev --help`.\n");
  // Not "--filename is required": that is what was misspelt.
  expect_usage({"plan", "--file", "pipe.yaml"},
               "penstock plan: unknown flag --file\nDid you mean --filename?\nSee `penstock plan --help`.\n");
  expect_usage({"dev", "now"}, "penstock dev: unexpected argument \"now\"\nSee `penstock dev --help`.\n");
  expect_usage({"--log-levle", "debug"},
               "penstock: unknown flag --log-levle\nDid you mean --log-level?\nSee `penstock --help`.\n");
}

TEST(CommandLine, AValueThatIsNoneIsNamedWithItsFlag) {
  expect_usage(
      {"dev", "--metrics", "9464"},
      "penstock dev: --metrics: \"9464\" is not HOST:PORT. Write it like 127.0.0.1:6443, the port up to "
      "65535; port 0 takes any free one\nSee `penstock dev --help`.\n");
  expect_usage({"plan"}, "penstock plan: --filename is required\nSee `penstock plan --help`.\n");
  expect_usage({"dev", "--table-patience", "soon"},
               "penstock dev: --table-patience: must be a whole number with ms, s, m or h, such as 5m\n"
               "See `penstock dev --help`.\n");
}

TEST(CommandLine, AFailureIsNoUsage) {
  const auto done = penstock({"plan", "-f", "/nowhere/pipe.yaml"});
  EXPECT_EQ(done.status.code, 1);
  EXPECT_THAT(done.err, StartsWith("penstock plan: -f /nowhere/pipe.yaml: No such file or directory."));
}

/// The long flags in a help text before its examples, and those in the examples.
void expect_every_flag_in_an_example(const std::string& subcommand) {
  const auto help = penstock({"help", subcommand}).out;
  const auto examples = help.find("Example");
  ASSERT_NE(examples, std::string::npos) << subcommand;
  static const std::regex kFlag("  (?:-[a-z],)?(--[a-z-]+)");
  for (std::sregex_iterator at(help.begin(), help.end(), kFlag), end; at != end; ++at) {
    const auto flag = (*at)[1].str();
    if (flag == "--help" || static_cast<std::size_t>(at->position()) > examples) continue;
    EXPECT_THAT(help.substr(examples), HasSubstr(flag)) << "penstock help " << subcommand;
  }
}

TEST(CommandLine, EveryFlagIsShownInAnExample) {
  for (const auto* subcommand : {"dev", "plan", "engine"})
    expect_every_flag_in_an_example(subcommand);
}

}  // namespace
}  // namespace penstock
