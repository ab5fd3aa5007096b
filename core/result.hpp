#pragma once

// Result<T>: a value or an Error. No exception crosses a layer of Penstock; an adapter around a library that
// throws turns what it throws into an Error at that place.

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace penstock {

/// What can be done about an error; the one switch over it is `policy()` in core/error_policy.hpp.
enum class ErrorKind {
  Transient,   ///< waiting cures it: network, restart, overload. Retried with back-off.
  NeedsUser,   ///< somebody has to change something (a grant, a Secret, a spec); probed again, at most 30 s
               ///< apart.
  Terminal,    ///< no waiting cures it and the pipe's place in the source is gone; a resync does.
  BadData,     ///< a value of one table that the target cannot hold, or a target that changed under us.
  Quarantine,  ///< a change of one table cannot be applied without guessing what it means: that table is
               ///< quarantined at once, the others go on.
  InDoubt,     ///< the outcome is unknown (the answer was lost): observe again, never assume.
  Cancelled,   ///< we were asked to stop; not a failure.
  Internal,    ///< a defect of ours.
};

/// Whether the others can go on without the table that it is about.
[[nodiscard]] constexpr bool is_of_one_table(ErrorKind kind) {
  return kind == ErrorKind::BadData || kind == ErrorKind::Quarantine;
}

/// An error for people and for machines. Never holds a secret: whoever builds one from foreign text (a
/// server's message, a URL) is answerable for that.
struct Error {
  ErrorKind kind = ErrorKind::Internal;
  std::string
      reason;  ///< CamelCase token, stable, used as condition and event reason: "AuthenticationFailed".
  std::string message;  ///< what and where, one sentence without a final full stop.
  std::string cure;     ///< what to do, one sentence; may be empty.

  bool operator==(const Error&) const = default;

  /// "message. cure", for conditions, logs and terminals (shown_text.hpp).
  [[nodiscard]] std::string text() const;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// `return fail(ErrorKind::Transient, "SourceUnreachable", "...")` from any function that returns a Result.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string reason, std::string message,
                                                std::string cure = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(reason), std::move(message), std::move(cure)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace penstock

// Returns the error of a failed Result from the surrounding function: PENSTOCK_TRY(client.execute(sql));
#define PENSTOCK_TRY(expression)                                   \
  do {                                                             \
    if (auto penstock_result = (expression); !penstock_result)     \
      return ::penstock::fail(std::move(penstock_result).error()); \
  } while (false)

// Declares `name` with the value of a Result, or returns its error: PENSTOCK_ASSIGN(auto rows, read_rows());
#define PENSTOCK_CONCAT_(a, b) a##b
#define PENSTOCK_CONCAT(a, b) PENSTOCK_CONCAT_(a, b)
#define PENSTOCK_ASSIGN(declaration, expression)                                             \
  auto PENSTOCK_CONCAT(penstock_result_, __LINE__) = (expression);                           \
  if (!PENSTOCK_CONCAT(penstock_result_, __LINE__))                                          \
    return ::penstock::fail(std::move(PENSTOCK_CONCAT(penstock_result_, __LINE__)).error()); \
  declaration = *std::move(PENSTOCK_CONCAT(penstock_result_, __LINE__))
