#pragma once

// The partitions of an initial load: which blocks of which heap, which of them are in. Pure, and written as
// short texts, so that a status can carry them over a crash.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

/// A set of small integers kept as ranges: "0-11,14".
class IndexSet {
 public:
  [[nodiscard]] static Result<IndexSet> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  void insert(std::int64_t index);
  [[nodiscard]] bool contains(std::int64_t index) const;
  [[nodiscard]] std::int64_t size() const;
  bool operator==(const IndexSet&) const = default;

 private:
  std::map<std::int64_t, std::int64_t> ranges_;  // first → last, disjoint and not adjacent
};

struct Partition {
  std::size_t heap = 0;    ///< index into the layout's heaps
  std::int64_t first = 0;  ///< block
  std::int64_t last = -1;  ///< block after the last one; -1: to the heap's end, however far that is by then
  bool whole = false;      ///< the heap has no usable ctids: read it in one stream
};

/// How large a partition may be.
struct PartitionSize {
  std::int64_t rows = 0;  ///< about, by the source's estimate
  std::size_t bytes = 0;  ///< of the heap
  int workers = 1;        ///< all of them are to have one, unless that makes partitions of a few megabytes
};

/// How a table's heaps are cut. Fixed at the start of a load: a heap that grows meanwhile grows its last
/// partition.
struct LoadLayout {
  struct HeapCut {
    std::uint32_t oid = 0;
    std::int64_t file = 0;        ///< a heap with another file has been rewritten: its ctids mean other rows
    std::int64_t partitions = 1;  ///< 0: read whole
    bool operator==(const HeapCut&) const = default;
  };
  std::int64_t blocks_per_partition = 1;
  std::vector<HeapCut> heaps;
  std::string columns{};  ///< how many, and a digest of their numbers, names and types; empty: not known

  [[nodiscard]] static LoadLayout of(const postgres::SourceTable& table, const PartitionSize& most);
  [[nodiscard]] std::int64_t partitions() const;
  [[nodiscard]] Partition partition(std::int64_t index) const;
  /// Whether the heaps are still those of the layout, unwritten anew, and no column but new ones is another:
  /// only then are loaded partitions loaded.
  [[nodiscard]] bool fits(const postgres::SourceTable& table) const;

  [[nodiscard]] std::string text() const;  ///< "blocks;oid:file:partitions,…;columns"
  [[nodiscard]] static Result<LoadLayout> parse(std::string_view text);
  bool operator==(const LoadLayout&) const = default;
};

}  // namespace penstock::pipeline
