// A folder for the files of one test.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>

namespace heed::tests {

/// A new folder, which is gone with all that is in it at the end.
class Folder {
 public:
  Folder() { std::filesystem::create_directory(path); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string at(const std::string& name) const { return (path / name).string(); }
  /// How many files there are, folders and links included.
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator());
  }

  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("heed-test-" + std::to_string(getpid()) + "-" + std::to_string(made_++));

 private:
  static inline int made_ = 0;
};

}  // namespace heed::tests
