// The source files of this repository, for tests that check the sources themselves.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace heed::tests {

struct SourceFile {
  std::string path;  ///< from the root, with '/'
  std::string content;
};

inline std::vector<std::string> lines_of(const std::string& content) {
  std::vector<std::string> lines;
  std::istringstream stream(content);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError({.what = text(path, ": cannot be read"), .hint = "run from the repository root"});
  return {std::istreambuf_iterator<char>(file), {}};
}

/// All .h, .cpp and .inc files below the folders, in order of their paths. Throws IoError when a folder is
/// missing.
inline std::vector<SourceFile> sources_below(std::initializer_list<std::string_view> folders) {
  std::vector<SourceFile> files;
  for (const std::string_view folder : folders) {
    if (!std::filesystem::is_directory(folder))
      throw IoError({.what = text(folder, ": no such folder"), .hint = "run from the repository root"});
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".h" || extension == ".cpp" || extension == ".inc")
        files.push_back({entry.path().generic_string(), content_of(entry.path().string())});
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

/// The text with comments and the insides of string literals blanked out; lines and quotes stay.
inline std::string code_of(const std::string& source) {
  std::string code = source;
  const auto blank = [&](std::size_t at) {
    if (code[at] != '\n') code[at] = ' ';
  };
  for (std::size_t i = 0; i < source.size();) {
    if (source.compare(i, 2, "//") == 0) {
      for (; i < source.size() && source[i] != '\n'; ++i) blank(i);
    } else if (source.compare(i, 2, "/*") == 0) {
      const std::size_t end = std::min(source.find("*/", i + 2), source.size() - 2) + 2;
      for (; i < end; ++i) blank(i);
    } else if (source.compare(i, 3, "R\"(") == 0) {
      const std::size_t end = std::min(source.find(")\"", i + 3), source.size());
      for (i += 3; i < end; ++i) blank(i);
      i += 2;
    } else if (source[i] == '"') {
      for (++i; i < source.size() && source[i] != '"' && source[i] != '\n'; ++i) {
        blank(i);
        if (source[i] == '\\' && i + 1 < source.size()) blank(++i);
      }
      ++i;
    } else if (source[i] == '\'' && i + 2 < source.size() && (source[i + 2] == '\'' || source[i + 1] == '\\')) {
      i = std::min(source.find('\'', i + 2), source.size() - 1) + 1;
    } else {
      ++i;
    }
  }
  return code;
}

inline bool is_word_character(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Where a word stands by itself in a text from `from` on; npos when nowhere.
inline std::size_t find_word(const std::string& where, std::string_view word, std::size_t from = 0) {
  for (std::size_t at = where.find(word, from); at != std::string::npos; at = where.find(word, at + 1)) {
    const std::size_t after = at + word.size();
    const bool starts = at == 0 || !is_word_character(where[at - 1]) || !is_word_character(word.front());
    if (starts &&
        (after >= where.size() || !is_word_character(where[after]) || !is_word_character(word.back())))
      return at;
  }
  return std::string::npos;
}

}  // namespace heed::tests
