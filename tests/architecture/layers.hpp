#pragma once

#include <initializer_list>
#include <string>
#include <vector>

namespace penstock::architecture {

/// A source file of the project: its path from the root, with slashes, and what it holds.
struct SourceFile {
  std::string path;
  std::string text;
};

/// Every .cpp and .hpp below these folders of the project.
std::vector<SourceFile> sources_in(std::initializer_list<const char*> folders);

/// Each breach of a rule in words: the file, what it does, and what is allowed instead. Empty: the house is
/// in order.
using Breaches = std::vector<std::string>;

/// Folders are layers: a file includes its own layer and those below it, by paths from the root.
Breaches upward_includes(const std::vector<SourceFile>& files);

/// A library is used where its home is, and nowhere else; a header of a library that has no home is a breach
/// too.
Breaches strayed_libraries(const std::vector<SourceFile>& files);

/// A header that pulls in a heavy library is not included from another layer, directly or through other
/// headers.
Breaches leaked_libraries(const std::vector<SourceFile>& files);

/// No file holds more than 400 lines.
Breaches long_files(const std::vector<SourceFile>& files);

/// The layers, as folders from the root.
std::vector<std::string> layer_folders();

}  // namespace penstock::architecture
