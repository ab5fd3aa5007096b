#include "controller/apiserver/patch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/apiserver/json_patch.hpp"

namespace penstock::apiserver {

namespace {

constexpr std::string_view kOrder = "$setElementOrder/";
constexpr std::string_view kDelete = "$deleteFromPrimitiveList/";

void merge(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object();
  for (const auto& [name, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(name);
    } else {
      merge(target[name], value);
    }
  }
}

bool contains(const Json& list, const Json& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

/// Finalizers: what the patch lists is added, nothing is taken away.
void merge_values(Json& target, const Json& patch) {
  if (!target.is_array()) target = Json::array();
  for (const auto& item : patch) {
    if (!contains(target, item)) target.push_back(item);
  }
}

/// Owner references: matched by uid; an item with `$patch: delete` goes.
void merge_by_uid(Json& target, const Json& patch) {
  if (!target.is_array()) target = Json::array();
  for (const auto& item : patch) {
    const auto same = std::find_if(target.begin(), target.end(), [&](const Json& one) {
      return member(one, "uid") == member(item, "uid");
    });
    if (text_of(item, {"$patch"}) == "delete") {
      if (same != target.end()) target.erase(same);
    } else if (same != target.end()) {
      merge(*same, item);
    } else {
      target.push_back(item);
    }
  }
}

void put_in_order(Json& list, const Json& order) {
  if (!list.is_array() || !order.is_array()) return;
  const auto place = [&](const Json& item) {
    return std::distance(order.begin(), std::find(order.begin(), order.end(), item));
  };
  std::stable_sort(list.begin(), list.end(),
                   [&](const Json& a, const Json& b) { return place(a) < place(b); });
}

void remove_values(Json& list, const Json& gone) {
  if (!list.is_array() || !gone.is_array()) return;
  Json kept = Json::array();
  for (auto& item : list) {
    if (!contains(gone, item)) kept.push_back(std::move(item));
  }
  list = std::move(kept);
}

void strategic_merge(Json& target, const Json& patch, bool in_metadata);

void apply_directives(Json& target, const Json& patch) {
  for (const auto& [name, value] : patch.items()) {
    if (name.starts_with(kDelete)) {
      const auto field = target.find(name.substr(kDelete.size()));
      if (field != target.end()) remove_values(*field, value);
    }
    if (name.starts_with(kOrder)) {
      const auto field = target.find(name.substr(kOrder.size()));
      if (field != target.end() && !field->empty() && !field->front().is_object())
        put_in_order(*field, value);
    }
  }
  if (const Json& keep = member(patch, "$retainKeys"); keep.is_array()) {
    for (auto field = target.begin(); field != target.end();) {
      field = contains(keep, field.key()) ? std::next(field) : target.erase(field);
    }
  }
}

void strategic_merge(Json& target, const Json& patch, bool in_metadata) {
  if (!target.is_object() || text_of(patch, {"$patch"}) == "replace") target = Json::object();
  for (const auto& [name, value] : patch.items()) {
    if (name.starts_with("$")) continue;
    if (value.is_null() || text_of(value, {"$patch"}) == "delete") {
      target.erase(name);
    } else if (value.is_object()) {
      strategic_merge(target[name], value, name == "metadata");
    } else if (in_metadata && name == "finalizers" && value.is_array()) {
      merge_values(target[name], value);
    } else if (in_metadata && name == "ownerReferences" && value.is_array()) {
      merge_by_uid(target[name], value);
    } else {
      target[name] = value;
    }
  }
  apply_directives(target, patch);
}

}  // namespace

Reply<Json> apply_patch(PatchKind kind, const Json& object, const Json& patch) {
  if (kind == PatchKind::Operations) return apply_json_patch(object, patch);
  if (patch.is_array()) {
    return bad_request(
        "error decoding patch: a list of operations is a JSON patch: send it with the content type "
        "application/json-patch+json");
  }
  if (!patch.is_object()) return bad_request("error decoding patch: it must be a JSON object");
  Json changed = object;
  if (kind == PatchKind::Merge) {
    merge(changed, patch);
  } else {
    strategic_merge(changed, patch, false);
  }
  return changed;
}

}  // namespace penstock::apiserver
