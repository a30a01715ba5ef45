#include "data/pairs.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "core/utf8.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// A folder of its own for each use, since several test programs may run at the same time.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device device;
    do path_ = std::filesystem::temp_directory_path() / text("heed-pairs-", std::int64_t{device()});
    while (!std::filesystem::create_directory(path_));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path() const { return path_.string(); }
  std::string file(std::string_view name) const { return (path_ / name).string(); }
  std::string file(std::string_view name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

Pairs parsed(std::string_view content, ReadOptions options = {}) {
  return parse_pairs(content, "x.txt", options);
}

std::string complaint(std::string_view content) {
  return thrown<IoError>([&] { parse_pairs(content, "x.txt"); });
}

}  // namespace

TEST_CASE("pairs: both formats are told apart and read") {
  const Pairs expected{{"19 oct 1996", "1996-10-19"}, {"2/10/93", "1993-02-10"}};
  CHECK(parsed("19 oct 1996\t1996-10-19\n2/10/93\t1993-02-10\n") == expected);
  CHECK(parsed("19 oct 1996  _1996-10-19\n2/10/93      _1993-02-10\n") == expected);
}

TEST_CASE("pairs: a tab in the first line makes underscores ordinary characters") {
  CHECK(parsed("a_b\tc_d\n__\t_\n") == Pairs{{"a_b", "c_d"}, {"__", "_"}});
}

TEST_CASE("pairs: padding is dropped at the end only, and kept when asked") {
  const std::string_view content = "  16+75  _91  \n52+607 _659 \n";
  CHECK(parsed(content) == Pairs{{"  16+75", "91"}, {"52+607", "659"}});
  CHECK(parsed(content, {.keep_padding = true}) == Pairs{{"  16+75  ", "91  "}, {"52+607 ", "659 "}});
}

TEST_CASE("pairs: spaces around a tab belong to the text") {
  CHECK(parsed("a \t b \n") == Pairs{{"a ", " b "}});
}

TEST_CASE("pairs: CRLF, a byte order mark, blank lines at the end and a missing last line end are accepted") {
  const Pairs expected{{"a", "1"}, {"é", "2"}};
  CHECK(parsed("a\t1\r\né\t2\r\n") == expected);
  CHECK(parsed("\xEF\xBB\xBF"
               "a\t1\né\t2") == expected);
  CHECK(parsed("a\t1\né\t2\n\n  \r\n\n") == expected);
  CHECK(parsed("a _1 \r\né _2 \r\n\r\n") == expected);
}

TEST_CASE("pairs: errors name file and line") {
  CHECK(complaint("a\t1\nb 2\n") == "IoError: read_pairs: x.txt:2: no tab between source and target: \"b 2\"");
  CHECK(complaint("a_1\nb 2\n") == "IoError: read_pairs: x.txt:2: no '_' between source and target: \"b 2\"");
  CHECK(complaint("a 1\n") ==
        "IoError: read_pairs: x.txt:1: neither a tab nor '_' between source and target: \"a 1\"");
  CHECK(complaint("a\t1\n\t2\n") == "IoError: read_pairs: x.txt:2: the source is empty: \"\\t2\"");
  CHECK(complaint("a\t1\r\nb\t\r\nc\t3") == "IoError: read_pairs: x.txt:2: the target is empty: \"b\\t\"");
  CHECK(complaint("a _1\n  _2\n") == "IoError: read_pairs: x.txt:2: the source is empty: \"  _2\"");
  CHECK(complaint("a _1\nb _  \n") == "IoError: read_pairs: x.txt:2: the target is empty: \"b _  \"");
  CHECK(complaint("a\t1\t2\n") == "IoError: read_pairs: x.txt:1: more than one tab: \"a\\t1\\t2\"");
  CHECK(complaint("a_1_2\n") == "IoError: read_pairs: x.txt:1: more than one '_': \"a_1_2\"");
  CHECK(complaint("a\t1\n\nb\t2\n") == "IoError: read_pairs: x.txt:2: no tab between source and target: \"\"");
  CHECK(complaint("a\t1\nb\tc\xFF\n") ==
        "IoError: read_pairs: x.txt:2: malformed UTF-8 at byte 3 of the line: \"b\\tc\\xFF\"");
}

TEST_CASE("pairs: a text without pairs is an error") {
  for (const char* content : {"", "\xEF\xBB\xBF", "\n\n", " \r\n"})
    CHECK(complaint(content) == "IoError: read_pairs: x.txt: holds no pairs");
}

TEST_CASE("pairs: files are read, and what cannot be opened is named") {
  const TemporaryFolder folder;
  CHECK(read_pairs(folder.file("tab", "a_b\t1\n")) == Pairs{{"a_b", "1"}});
  CHECK(read_tab_separated(folder.file("tab")) == Pairs{{"a_b", "1"}});
  CHECK(read_padded(folder.file("padded", "a\tb  _1 \n"), {.keep_padding = true}) == Pairs{{"a\tb  ", "1 "}});
  CHECK(read_padded(folder.file("padded")) == Pairs{{"a\tb", "1"}});
  CHECK(thrown<IoError>([&] { read_tab_separated(folder.file("underscore", "a_1\n")); }) ==
        text("IoError: read_pairs: ", folder.file("underscore"),
             ":1: no tab between source and target: \"a_1\""));
  CHECK(thrown<IoError>([&] { read_pairs(folder.file("empty", "")); }) ==
        text("IoError: read_pairs: ", folder.file("empty"), ": holds no pairs"));
  CHECK(thrown<IoError>([&] { read_pairs(folder.file("missing")); }) ==
        text("IoError: ", folder.file("missing"), ": cannot open for reading: No such file or directory"));
  CHECK(thrown<IoError>([&] { read_pairs(folder.path()); }) ==
        text("IoError: ", folder.path(), ": cannot read: Is a directory"));
}

TEST_CASE("pairs: what is written is read back the same") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out");
  const Pairs pairs{{"a _", " 1 "}, {"é\uFEFF", "日"}, {"  ", "_"}, {" ", " "}};
  write_pairs(path, Pairs(100, {"long", "before"}));
  write_pairs(path, pairs);
  CHECK(read_pairs(path) == pairs);
}

TEST_CASE("pairs: what would not be read back the same is refused and the file left alone") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out", "a\t1\n");
  const auto refusal = [&](const Pairs& pairs) {
    return thrown<IoError>([&] { write_pairs(path, pairs); })
        .substr(text("IoError: write_pairs: ", path).size());
  };
  CHECK(refusal({}) == ": there are no pairs to write");
  CHECK(refusal({{"a", "1"}, {"", "2"}}) == ": pair 1: the source is empty");
  CHECK(refusal({{"a", ""}}) == ": pair 0: the target is empty");
  CHECK(refusal({{"a\tb", "1"}}) == ": pair 0: the source holds a tab or the end of a line: \"a\\tb\"");
  CHECK(refusal({{"a", "1\r"}}) == ": pair 0: the target holds a tab or the end of a line: \"1\\r\"");
  CHECK(refusal({{"a", "\xC3"}}) == ": pair 0: the target is not UTF-8: \"\\xC3\"");
  CHECK(refusal({{"\uFEFF"
                  "a",
                  "1"}}) == ": pair 0: the source begins with a byte order mark");
  CHECK(read_pairs(path) == Pairs{{"a", "1"}});
  const std::string nowhere = folder.file("no/such/folder");
  CHECK(thrown<IoError>([&] {
          write_pairs(nowhere, {{"a", "1"}});
        }) == text("IoError: write_pairs: ", nowhere, ": cannot be opened: No such file or directory"));
}

TEST_CASE(
    "pairs: random content gives pairs of full UTF-8 sides or an IoError, and pairs are written and read "
    "back") {
  const TemporaryFolder folder;
  const std::string path = folder.file("out");
  const std::vector<std::string> pieces = {
      "a", "é", " ", "\t", "_", "\n", "\r\n", "\r", "\xEF\xBB\xBF", "\xC3", std::string(1, '\0')};
  Rng rng(11);
  int accepted = 0, refused = 0, wrong = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string content;
    for (std::int64_t length = rng.below(9); length > 0; --length)
      content += pieces[static_cast<std::size_t>(rng.below(std::ssize(pieces)))];
    try {
      const Pairs pairs = parse_pairs(content, "x", {.keep_padding = rng.chance(0.5)});
      wrong += pairs.empty() ? 1 : 0;
      for (const Pair& pair : pairs)
        for (const std::string* side : {&pair.source, &pair.target})
          wrong += side->empty() || find_invalid_utf8(*side) != std::string::npos ? 1 : 0;
      ++accepted;
      const bool plain = content.find('\r') == std::string::npos && content.find('_') == std::string::npos &&
                         content.find("\xEF\xBB\xBF", 1) == std::string::npos;
      if (!plain) continue;
      write_pairs(path, pairs);
      wrong += read_pairs(path) == pairs ? 0 : 1;
    } catch (const IoError&) {
      ++refused;
    }
  }
  CHECK(wrong == 0);
  CHECK(accepted > 500);
  CHECK(refused > 500);
}

}  // namespace heed::tests
