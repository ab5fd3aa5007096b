#pragma once

// Objects in the form the client asked for: as they are, as a Table, or as metadata alone.

#include <string>
#include <vector>

#include "controller/apiserver/request.hpp"
#include "controller/apiserver/store.hpp"
#include "controller/apiserver/table.hpp"

namespace penstock::apiserver {

/// How one request wants its objects.
struct Rendering {
  const ResourceType* type = nullptr;
  Form form = Form::Object;
  IncludeObject include = IncludeObject::Metadata;

  /// Content-Type of what is rendered.
  [[nodiscard]] std::string content_type() const;
};

/// Reads Accept and ?includeObject=.
[[nodiscard]] Reply<Rendering> rendering_of(const ResourceType& type, const Request& request);

/// JSON text of one object. `text` may be null when the object has not been stored (a dry run).
[[nodiscard]] std::string render_object(const Rendering& rendering, const Json& object,
                                        const std::string* text, WallTime now);

/// Metadata of a list; `continue_token` and `remaining` are left out when "" and 0.
struct ListMeta {
  std::uint64_t revision = 0;
  std::string continue_token{};
  std::size_t remaining = 0;
};
[[nodiscard]] std::string render_list(const Rendering& rendering, const std::vector<ObjectPtr>& objects,
                                      const ListMeta& meta, WallTime now);

/// A Table of one row, for watch events; column definitions only when asked.
[[nodiscard]] std::string render_row(const Rendering& rendering, const Json& object, bool definitions,
                                     WallTime now);

}  // namespace penstock::apiserver
