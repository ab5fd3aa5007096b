#include "dataplane/pipeline/arrived_parts.hpp"

namespace penstock::pipeline {

ArrivedAs arrived_as(const postgres::Arrival& arrival, bool streamed, std::optional<RowsAre> proven) {
  if (arrival.changed_before && !arrival.made_as_part) return ArrivedAs::Returned;
  if (arrival.filled || proven == RowsAre::Different) return ArrivedAs::Filled;
  if (arrival.made_as_part) return ArrivedAs::Covered;
  if (!arrival.has_rows || proven == RowsAre::Equal) return ArrivedAs::Attached;
  // Where rows cannot be compared, that some were streamed is all that can be had.
  return proven == RowsAre::Untold && streamed ? ArrivedAs::Attached : ArrivedAs::Unproven;
}

Result<std::map<std::uint32_t, ArrivedAs>> arrived_as(const postgres::Endpoint& source,
                                                      const postgres::SourceTable& table,
                                                      const std::vector<const postgres::Heap*>& parts,
                                                      const std::map<std::uint32_t, std::uint32_t>& streamed,
                                                      const std::map<std::uint32_t, RowsAre>& proven) {
  std::map<std::uint32_t, ArrivedAs> out;
  std::map<std::uint32_t, std::uint32_t> to_ask;
  for (const auto* heap : parts) {
    const auto change = streamed.find(heap->oid);
    if (table.kind == 'p' && heap->kind == 'r')
      to_ask[heap->oid] = change == streamed.end() ? 0 : change->second;
    else  // a publication does not take in a child of plain inheritance, or a foreign table, by itself
      out[heap->oid] = ArrivedAs::Filled;
  }
  if (to_ask.empty()) return out;
  PENSTOCK_ASSIGN(const auto arrivals, postgres::read_arrivals(source, table.oid, to_ask));
  for (const auto& [oid, arrival] : arrivals) {
    const auto rows = proven.find(oid);
    out[oid] = arrived_as(arrival, streamed.contains(oid),
                          rows == proven.end() ? std::nullopt : std::optional(rows->second));
  }
  return out;
}

}  // namespace penstock::pipeline
