#include "core/file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace heed;
using heed::tests::ContainsSubstring;
using heed::tests::Folder;

namespace {

template <class F>
std::string failure(F f) {
  try {
    f();
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

std::string write_failure(const std::string& path, std::string_view content) {
  return failure([&] { write_file(path, content); });
}

std::string read_failure(const std::string& path) {
  return failure([&] { read_file(path); });
}

// While it lives no file can become longer than a page, as on a full disk.
class SmallFiles {
 public:
  SmallFiles() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("write_file: writes, replaces, keeps permissions and follows a link") {
  const Folder folder;
  const std::string path = folder.at("report.html");
  write_file(path, std::string_view("a\0b", 3));
  CHECK(read_file(path) == std::string("a\0b", 3));
  chmod(path.c_str(), 0640);
  std::filesystem::create_symlink("report.html", folder.at("link"));
  write_file(folder.at("link"), "");
  CHECK(read_file(path).empty());
  CHECK(std::filesystem::is_symlink(folder.at("link")));
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  CHECK(folder.files() == 2);
}

TEST_CASE(
    "write_file: a link to a file that is not there yet makes that file, and a circle of links is an error") {
  const Folder folder;
  std::filesystem::create_directory(folder.at("run"));
  std::filesystem::create_symlink("run/last", folder.at("a"));
  std::filesystem::create_symlink(folder.at("a"), folder.at("b"));
  write_file(folder.at("b"), "new");
  CHECK(std::filesystem::is_symlink(folder.at("a")));
  CHECK(std::filesystem::is_symlink(folder.at("b")));
  CHECK(read_file(folder.at("run/last")) == "new");

  std::filesystem::create_symlink("circle", folder.at("circle"));
  CHECK_THAT(write_failure(folder.at("circle"), "x"),
             ContainsSubstring("circle: cannot open for writing: Too many levels of symbolic links"));
}

TEST_CASE("write_file: the parts follow each other, empty ones and none included") {
  const Folder folder;
  const std::string large(200'000, 'x');
  const std::vector<std::string_view> parts = {"head", "", large, "tail"};
  write_file(folder.at("parts"), parts);
  CHECK(read_file(folder.at("parts")) == "head" + large + "tail");
  write_file(folder.at("parts"), std::span<const std::string_view>());
  CHECK(read_file(folder.at("parts")).empty());
}

TEST_CASE("write_file: a failure while writing keeps the old file and leaves no other") {
  const Folder folder;
  const std::string path = folder.at("report.html"), fresh = folder.at("new");
  write_file(path, "old");
  const std::string large(100'000, 'x');
  const std::array<std::string_view, 2> parts = {"head", large};
  std::string message, message_for_new;
  {
    const SmallFiles limit;
    message = failure([&] { write_file(path, parts); });
    message_for_new = write_failure(fresh, large);
  }
  CHECK(message == "IoError: " + path + ": cannot write: File too large");
  CHECK(message_for_new == "IoError: " + fresh + ": cannot write: File too large");
  CHECK(read_file(path) == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("write_file: a full device, a missing folder, a folder and an empty path are told with the reason") {
  const Folder folder;
  if (std::filesystem::exists("/dev/full")) {
    CHECK(write_failure("/dev/full", "x") == "IoError: /dev/full: cannot write: No space left on device");
    CHECK(std::filesystem::is_character_file("/dev/full"));
  }
  const std::string lost = folder.at("no/report.html");
  CHECK(write_failure(lost, "x") ==
        "IoError: " + lost + ": cannot open for writing: No such file or directory");
  CHECK(write_failure(folder.path.string(), "x") ==
        "IoError: " + folder.path.string() + ": cannot write: Is a directory");
  CHECK_THAT(write_failure("", "x"), ContainsSubstring("cannot"));
  CHECK(folder.files() == 0);
}

TEST_CASE("write_file: a file in the way of the temporary name is left alone") {
  const Folder folder;
  const std::string path = folder.at("report.html"),
                    squatter = path + "." + std::to_string(getpid()) + "-0.tmp";
  write_file(squatter, "mine");
  write_file(path, "new");
  CHECK(read_file(path) == "new");
  CHECK(read_file(squatter) == "mine");
}

TEST_CASE("read_file: all bytes come back at any size, and a device without a size is read too") {
  const Folder folder;
  for (const std::size_t size : {0u, 1u, 65'535u, 65'536u, 65'537u, 131'072u, 300'001u}) {
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 + i / 256);
    write_file(folder.at("data"), content);
    CHECK(read_file(folder.at("data")) == content);
  }
  CHECK(read_file("/dev/null").empty());
}

TEST_CASE("read_file: a missing file, a folder and a file in the way of a folder are told with the reason") {
  const Folder folder;
  const std::string missing = folder.at("missing"), file = folder.at("file");
  write_file(file, "x");
  CHECK(read_failure(missing) ==
        "IoError: " + missing + ": cannot open for reading: No such file or directory");
  CHECK(read_failure(folder.path.string()) ==
        "IoError: " + folder.path.string() + ": cannot read: Is a directory");
  CHECK(read_failure(file + "/x") == "IoError: " + file + "/x: cannot open for reading: Not a directory");
  if (geteuid() != 0) {  // root may read everything
    chmod(file.c_str(), 0);
    CHECK(read_failure(file) == "IoError: " + file + ": cannot open for reading: Permission denied");
  }
}

TEST_CASE("InputFile: pieces follow each other, the last one short, and only a regular file has a size") {
  const Folder folder;
  write_file(folder.at("data"), "abcdefg");
  InputFile file(folder.at("data"));
  CHECK(file.size() == 7);
  std::array<char, 4> piece{};
  CHECK(file.read(std::as_writable_bytes(std::span(piece))) == 4);
  CHECK(std::string_view(piece.data(), 4) == "abcd");
  CHECK(file.read(std::as_writable_bytes(std::span(piece))) == 3);
  CHECK(std::string_view(piece.data(), 3) == "efg");
  CHECK(file.read(std::as_writable_bytes(std::span(piece))) == 0);
  CHECK_THROWS_AS(InputFile("/dev/null").size(), IoError);
}
