#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace penstock::test {

/// How a Pipe's status names a table as one that is not equal to its source, or not followed: the condition
/// or the table's message, in words. Empty: it does not. `pipe` is the object as the API gives it; `table` as
/// in status.tables[].source.
///
/// Named is a table that is in state Failed with a message, one that the message of ResyncRequired or
/// ResyncBlocked holds, one that the message of Ready=False holds while the pipe is not merely on its way
/// through a state, and every table of a pipe that is Failed, or stalled before it ever ran, with a reason.
std::string how_named(const nlohmann::json& pipe, const std::string& table);

/// The pipe does all that its manifest says: it runs, Ready is True, each of its tables is streamed, and it
/// is this manifest (metadata.generation) that the status speaks of.
bool runs_well(const nlohmann::json& pipe);

/// status.tables[].state of the table; empty where there is none.
std::string state_of_table(const nlohmann::json& pipe, const std::string& table);

/// It waits for a person.
bool is_stalled(const nlohmann::json& pipe);

/// State, conditions and what each table says, in a line: for failure messages.
std::string status_in_words(const nlohmann::json& pipe);

}  // namespace penstock::test
