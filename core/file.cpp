#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace heed {
namespace {

[[noreturn]] void fail(const std::string& path, const char* action, int code) {
  throw IoError({.what = text(path, ": cannot ", action, ": ", std::generic_category().message(code))});
}

// An open file that is closed at the end, and unlinked unless it was kept.
class Output {
 public:
  Output(int descriptor, std::string temporary) : descriptor_(descriptor), temporary_(std::move(temporary)) {}
  ~Output() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }
  Output(Output&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), temporary_(std::exchange(other.temporary_, {})) {}

  int descriptor() const { return descriptor_; }
  const std::string& temporary() const { return temporary_; }
  // Closing can report a write that failed late.
  int close_now() {
    const int result = close(descriptor_);
    descriptor_ = -1;
    return result;
  }
  void keep() { temporary_.clear(); }

 private:
  int descriptor_;
  std::string temporary_;
};

void write_all(int descriptor, std::span<const std::string_view> parts, const std::string& path) {
  for (std::string_view part : parts) {
    while (!part.empty()) {
      const ssize_t written = write(descriptor, part.data(), part.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(path, "write", errno);
      part.remove_prefix(static_cast<std::size_t>(written));
    }
  }
}

void write_directly(const std::string& path, std::span<const std::string_view> parts) {
  Output output(open(path.c_str(), O_WRONLY | O_CLOEXEC), "");
  if (output.descriptor() < 0) fail(path, "open for writing", errno);
  write_all(output.descriptor(), parts, path);
  if (output.close_now() != 0) fail(path, "write", errno);
}

// The file that the path leads to, which need not exist: a rename would replace a symbolic link by a file.
std::string behind_links(const std::string& path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  std::filesystem::path target = path;
  for (int links = 0; links <= kMostLinks; ++links) {
    std::error_code error;
    const std::filesystem::path next = std::filesystem::read_symlink(target, error);
    if (error) return target.string();
    target = target.parent_path() / next;
  }
  fail(path, "open for writing", ELOOP);
}

// A new file beside the target. Its name is free: an existing file is never opened.
Output open_temporary(const std::string& target, const std::string& path) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string temporary = text(target, ".", static_cast<std::int64_t>(getpid()), "-", attempt, ".tmp");
    const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) return Output(descriptor, temporary);
    if (errno != EEXIST) fail(path, "open for writing", errno);
  }
  fail(path, "open for writing", EEXIST);
}

// Makes the rename outlive a power cut. Some file systems cannot sync a folder; the content is safe without.
void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Output opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "");
  if (opened.descriptor() >= 0) fsync(opened.descriptor());
}

}  // namespace

void write_file(const std::string& path, std::span<const std::string_view> parts) {
  const std::string target = behind_links(path);
  struct stat existing {};
  const bool exists = stat(target.c_str(), &existing) == 0;
  if (exists && S_ISDIR(existing.st_mode)) fail(path, "write", EISDIR);
  if (exists && !S_ISREG(existing.st_mode)) return write_directly(path, parts);
  // The folder alone would let a rename replace a file that its owner has made read-only.
  if (exists && access(target.c_str(), W_OK) != 0) fail(path, "write", errno);

  Output output = open_temporary(target, path);
  const int descriptor = output.descriptor();
  if (exists && fchmod(descriptor, existing.st_mode & 07777) != 0) fail(path, "set the permissions", errno);
  write_all(descriptor, parts, path);
  if (fsync(descriptor) != 0) fail(path, "write", errno);
  if (output.close_now() != 0) fail(path, "write", errno);
  if (rename(output.temporary().c_str(), target.c_str()) != 0) fail(path, "rename the finished file", errno);
  output.keep();
  sync_folder_of(target);
}

InputFile::InputFile(std::string path)
    : path_(std::move(path)), descriptor_(open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(path_, "open for reading", errno);
  struct stat status {};
  const int code = fstat(descriptor_, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
  if (code != 0) {
    close(descriptor_);
    fail(path_, "read", code);
  }
  if (S_ISREG(status.st_mode)) size_ = status.st_size;
}

InputFile::~InputFile() { close(descriptor_); }

std::int64_t InputFile::size() const {
  if (size_ < 0) throw IoError({.what = text(path_, ": not a regular file, so its size is not known")});
  return size_;
}

std::size_t InputFile::read(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t got = ::read(descriptor_, to.data() + done, to.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "read", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::string read_file(const std::string& path) {
  InputFile file(path);
  std::string content;
  std::size_t chunk = 1 << 16;
  for (std::size_t done = 0;;) {
    content.resize(done + chunk);
    const std::size_t got = file.read(std::as_writable_bytes(std::span(content).subspan(done)));
    done += got;
    if (got < chunk) {
      content.resize(done);
      return content;
    }
    chunk = done;
  }
}

}  // namespace heed
