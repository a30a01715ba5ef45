// Sentence pairs and the text files that hold them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heed {

/// One example: what is read and what is to be written. Both are UTF-8.
struct Pair {
  std::string source;
  std::string target;
  bool operator==(const Pair&) const = default;
};

using Pairs = std::vector<Pair>;

struct ReadOptions {
  bool keep_padding = false;  ///< padded files: keep the spaces that fill up source and target
};

/// The pairs of a file in one of two formats, told apart by its first line: a line with a tab is tab-separated,
/// else one with `_` is padded.
///
/// - tab-separated: `source<TAB>target`, both taken as they stand;
/// - padded: `source_target`, source and target filled up with spaces to a fixed width, as in the data of "Deep
///   Learning from Scratch 2". The spaces at the end of each are dropped unless `keep_padding`; the widths are
///   not checked.
///
/// The text must be UTF-8. A byte order mark, CRLF line ends and blank lines at the end are accepted.
/// Throws IoError with file and line: cannot be opened, a directory, no pairs, malformed UTF-8, a line with no
/// separator or with more than one, an empty source or target (in a padded file: nothing but spaces).
Pairs read_pairs(const std::string& path, ReadOptions options = {});
/// The same for one known format.
Pairs read_tab_separated(const std::string& path);
Pairs read_padded(const std::string& path, ReadOptions options = {});

/// The pairs of a text that is already in memory; `name` stands for the path in messages.
Pairs parse_pairs(std::string_view content, std::string_view name, ReadOptions options = {});

/// Writes a tab-separated file, replacing what stood there; `read_pairs` gives the same pairs back.
/// Throws IoError when it cannot be written, and before the file is touched when that promise could not be
/// kept: no pairs, an empty source or target, malformed UTF-8, a tab, line feed or carriage return, or a byte
/// order mark at the very start.
void write_pairs(const std::string& path, const Pairs& pairs);

}  // namespace heed
