#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace penstock::kube {

/// Whether a lost answer leaves something in doubt.
enum class Effect { Read, Write };

/// What an answer that is not 2xx means. `body` is what the server sent, a Status object as a rule; `doing`
/// says what was asked for ("get pipes.penstock.dev data/shop"). Reasons are the API's own (meta/v1
/// StatusReason):
///   401 Unauthorized, 403 Forbidden, 404 NotFound          NeedsUser
///   409 Conflict | AlreadyExists, 410 Expired, 429, 503    Transient (read again, then decide)
///   500, 502, 504 and other 5xx                            Transient; InDoubt for a write, which may have
///                                                          happened (an etcd timeout is a 500)
///   400, 405, 413, 415, 422 Invalid, …                     Internal: we sent what the server cannot take
[[nodiscard]] Error error_of_answer(int http_status, std::string_view body, Effect effect,
                                    std::string_view doing);

/// The same for a Status object, such as a watch's ERROR event carries.
[[nodiscard]] Error error_of_status(const nlohmann::json& status, Effect effect, std::string_view doing);

}  // namespace penstock::kube
