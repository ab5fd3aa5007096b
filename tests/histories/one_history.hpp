#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/histories/history_run.hpp"
#include "tests/histories/sessions.hpp"
#include "tests/support/pipe_manifest.hpp"
#include "tests/support/row_oracle.hpp"

namespace penstock::histories {

/// A history under way.
class OneHistory {
 public:
  OneHistory(const Servers& servers, const History& history);
  ~OneHistory();
  OneHistory(const OneHistory&) = delete;
  OneHistory& operator=(const OneHistory&) = delete;

  Outcome run();

 private:
  struct Declared {
    std::string text;                     ///< as the history has it
    bool in = true;                       ///< in the manifest
    std::vector<std::string> order_by{};  ///< of a table that others inherit from
    int generation = 0;
    test::ReplicatedTable table;
  };

  void prepare();
  /// Where servers are killed meanwhile, from its beginning until it is done.
  void prepare_patiently();
  std::string start();
  std::string step(const Line& line);
  std::string act(const std::string& what);
  std::string act_on(const std::string& verb, Declared& table);
  std::string apply();
  std::string wait_until_paused();
  std::string quiet();
  std::string neighbour_follows();
  /// What `look` finds, asked again until it is empty or the limit is over. A server that is down for a
  /// moment is no difference.
  std::string until_empty(std::chrono::milliseconds limit, const std::function<std::string()>& look);
  /// `act` on a session that is there, if need be a new one.
  void on_session(const std::function<void(test::PostgresSession&)>& act);
  /// What is neither equal nor named; `strict`: named will not do.
  std::string odd_tables(bool strict);
  void put_right();
  void put_right(test::ReplicatedTable& table);
  bool has_one_key(const std::string& table);
  std::vector<std::string> primary_key(const std::string& table);
  std::string end_by_resync();
  /// Tables whose excluded columns are in doubt leave the manifest and come back, as the status asks for.
  void put_back_what_is_in_doubt();
  Declared* declared(const std::string& source);

  const Servers& servers_;
  const History& history_;
  const std::string name_;
  std::unique_ptr<test::PostgresSession> session_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<test::PipeManifest> manifest_;
  std::vector<Declared> tables_;
  test::ReplicatedTable neighbour_{"public.t_nb", "t_nb"};
  bool paused_ = false;
  bool secrets_ = true;  ///< the excluded columns are still those that the history began with
  int generation_ = 0;
  int beats_ = 0;
  Outcome outcome_;
};

}  // namespace penstock::histories
