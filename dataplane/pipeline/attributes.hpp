#pragma once

// Which columns of a table, as it is now, are those that the stream names: its names may be of before a
// RENAME, or of columns that were dropped since. Pure.

#include <string>
#include <vector>

namespace penstock::pipeline {

/// A column of the table as it is now, in the order of attribute numbers, dropped ones too.
struct Attribute {
  std::string name;
  bool dropped = false;
  bool may_be_absent = false;  ///< generated or excluded: the stream need not name it
};

/// For each of the names, which are in the order of attribute numbers as the stream always has them: the
/// index of its column among `present` (one of the dropped, where it is any of them), or -1 when that cannot
/// be told.
///
/// Numbers are given out in order and never twice. So every column that is there now was there then, unless
/// it has a higher number than all of those; only of dropped ones it is not known whether they were there
/// still. Where this leaves a choice, names decide, and where those do not, nothing does.
[[nodiscard]] std::vector<int> match_attributes(const std::vector<std::string>& names,
                                                const std::vector<Attribute>& present);

}  // namespace penstock::pipeline
