// Whole files: reading them, and replacing them so that a crash never leaves half of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace heed {

/// Makes `path` a file of exactly these parts, one after the other, or leaves it as it was: they go to a
/// temporary file in the same folder, which is synced to the disk and takes the name by a rename. A symbolic
/// link is followed; an existing file keeps its permissions; a device or a pipe is written directly.
///
/// Throws IoError with the path and the reason of the system; then no temporary file is left.
void write_file(const std::string& path, std::span<const std::string_view> parts);
inline void write_file(const std::string& path, std::string_view content) {
  write_file(path, std::span(&content, 1));
}

/// All bytes of a file, a device or a pipe. Throws IoError with the path and the reason of the system.
std::string read_file(const std::string& path);

/// A file read from its beginning on, piece by piece.
class InputFile {
 public:
  /// Throws IoError when there is no such file, it is a directory or may not be read.
  explicit InputFile(std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Bytes of the file when it was opened. Throws IoError for a device or a pipe, which have no size.
  std::int64_t size() const;
  /// The next bytes; returns how many, fewer than asked for only at the end of the file. Throws IoError.
  std::size_t read(std::span<std::byte> to);

 private:
  std::string path_;
  int descriptor_;
  std::int64_t size_ = -1;
};

}  // namespace heed
