#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "crds/pipe.hpp"

namespace penstock {

/// The names of an enum's values as manifests write them, in the order of the schema's `enum`.
template <typename Enum>
inline constexpr std::array<std::pair<Enum, const char*>, 0> kEnumNames{};

template <>
inline constexpr std::array kEnumNames<Mode>{std::pair{Mode::Cdc, "CDC"},
                                             std::pair{Mode::SnapshotOnly, "SnapshotOnly"},
                                             std::pair{Mode::CdcOnly, "CDCOnly"}};

template <>
inline constexpr std::array kEnumNames<TlsMode>{std::pair{TlsMode::VerifyFull, "VerifyFull"},
                                                std::pair{TlsMode::Require, "Require"},
                                                std::pair{TlsMode::Disable, "Disable"}};

template <>
inline constexpr std::array kEnumNames<TableEngine>{
    std::pair{TableEngine::ReplacingMergeTree, "ReplacingMergeTree"},
    std::pair{TableEngine::MergeTree, "MergeTree"}, std::pair{TableEngine::Null, "Null"}};

template <>
inline constexpr std::array kEnumNames<DeletionPolicy>{std::pair{DeletionPolicy::Retain, "Retain"},
                                                       std::pair{DeletionPolicy::Delete, "Delete"}};

template <>
inline constexpr std::array kEnumNames<OnTruncate>{std::pair{OnTruncate::Tombstone, "Tombstone"},
                                                   std::pair{OnTruncate::Ignore, "Ignore"}};
template <>
inline constexpr std::array kEnumNames<OnDifference>{std::pair{OnDifference::Report, "Report"},
                                                     std::pair{OnDifference::Resync, "Resync"}};

template <>
inline constexpr std::array kEnumNames<Unrepresentable>{std::pair{Unrepresentable::Fail, "Fail"},
                                                        std::pair{Unrepresentable::Null, "Null"}};

template <>
inline constexpr std::array kEnumNames<PipeState>{
    std::pair{PipeState::Provisioning, "Provisioning"}, std::pair{PipeState::Setup, "Setup"},
    std::pair{PipeState::Snapshot, "Snapshot"},         std::pair{PipeState::Running, "Running"},
    std::pair{PipeState::Pausing, "Pausing"},           std::pair{PipeState::Paused, "Paused"},
    std::pair{PipeState::Modifying, "Modifying"},       std::pair{PipeState::Resync, "Resync"},
    std::pair{PipeState::Completed, "Completed"},       std::pair{PipeState::Failed, "Failed"}};

template <>
inline constexpr std::array kEnumNames<TableState>{
    std::pair{TableState::Pending, "Pending"},       std::pair{TableState::Loading, "Loading"},
    std::pair{TableState::CatchingUp, "CatchingUp"}, std::pair{TableState::Streaming, "Streaming"},
    std::pair{TableState::Completed, "Completed"},   std::pair{TableState::Failed, "Failed"}};

template <>
inline constexpr std::array kEnumNames<ResyncStep>{std::pair{ResyncStep::TakeDown, "TakeDown"},
                                                   std::pair{ResyncStep::MakeTables, "MakeTables"},
                                                   std::pair{ResyncStep::Load, "Load"}};

template <typename Enum>
[[nodiscard]] constexpr const char* enum_name(Enum value) {
  for (const auto& [each, name] : kEnumNames<Enum>)
    if (each == value) return name;
  return "";
}

/// Sets `out` to the value called `name`; false where there is none.
template <typename Enum>
[[nodiscard]] constexpr bool enum_value(std::string_view name, Enum& out) {
  for (const auto& [value, each] : kEnumNames<Enum>)
    if (name == each) {
      out = value;
      return true;
    }
  return false;
}

/// "CDC, SnapshotOnly, CDCOnly", for messages.
template <typename Enum>
[[nodiscard]] std::string enum_choices() {
  std::string out;
  for (const auto& [value, name] : kEnumNames<Enum>)
    out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

}  // namespace penstock
