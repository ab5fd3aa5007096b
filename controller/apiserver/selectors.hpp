#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/resource_type.hpp"

namespace penstock::apiserver {

/// Which objects a list or watch is about: a label selector (`app=shop,tier in (a,b),!old,size>3`) and a
/// field selector (`metadata.name=shop,type!=Normal`). Empty selects all.
class Selector {
 public:
  Selector() = default;
  /// 400 on a selector that cannot be read, or on a field this type is not selectable by.
  [[nodiscard]] static Reply<Selector> parse(const ResourceType& type, std::string_view labels,
                                             std::string_view fields);

  [[nodiscard]] bool matches(const Json& object) const;
  [[nodiscard]] bool everything() const { return labels_.empty() && fields_.empty(); }

 private:
  struct Label {
    enum class Op { In, NotIn, Exists, Absent, Greater, Less } op = Op::Exists;
    std::string key{};
    std::vector<std::string> values{};
  };
  struct Field {
    std::string path{};
    std::string value{};
    bool equal = true;
  };

  class LabelParser;
  static bool compares(const Label& label, const std::string& value);
  static bool passes(const Label& label, const Json& labels);
  static Reply<std::vector<Field>> parse_fields(const ResourceType& type, std::string_view text);

  std::vector<Label> labels_;
  std::vector<Field> fields_;
};

}  // namespace penstock::apiserver
