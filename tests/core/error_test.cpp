#include "core/error.h"

#include <cstring>
#include <limits>
#include <thread>

#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

struct Part {
  const char* name;
  const char* detail;
  static void describe(const void* object, bool innermost, std::string& out) {
    const auto& part = *static_cast<const Part*>(object);
    out.append(part.name);
    if (innermost) out.append(" (").append(part.detail).append(")");
  }
};

TEST_CASE("error: the message has one line for each part that is given, in the order of the grammar") {
  const Part model{"AttentionSeq2seq", "model"}, layer{"out", "Linear 128 -> 64"};
  const ErrorFrame outer(&model, Part::describe), inner(&layer, Part::describe);
  const ShapeError error({.what = "matmul: inner extents differ",
                          .expected = "a == b",
                          .operands = "a: output of concat",
                          .hint = "transpose b"});
  CHECK(std::string(error.what()) ==
        "ShapeError: matmul: inner extents differ\n"
        "  requires a == b\n"
        "  a: output of concat\n"
        "  in: AttentionSeq2seq / out (Linear 128 -> 64)\n"
        "  hint: transpose b");
}

TEST_CASE("error: parts that are empty leave no line") {
  CHECK(std::string(GraphError({.what = "only this"}).what()) == "GraphError: only this");
  CHECK(std::string(IoError({.what = "this", .hint = "and that"}).what()) == "IoError: this\n  hint: and that");
}

TEST_CASE("error: each kind says its name and is an Error and a std::exception") {
  CHECK(std::string(ShapeError({.what = "x"}).what()) == "ShapeError: x");
  CHECK(std::string(DTypeError({.what = "x"}).what()) == "DTypeError: x");
  CHECK(std::string(IndexError({.what = "x"}).what()) == "IndexError: x");
  CHECK(std::string(ConfigError({.what = "x"}).what()) == "ConfigError: x");
  CHECK(thrown<Error>([] { throw IndexError({.what = "x"}); }) == "IndexError: x");
  CHECK(thrown<std::exception>([] { throw ConfigError({.what = "x"}); }) == "ConfigError: x");
}

TEST_CASE("error frames: the path follows the frames that are open and ends with them") {
  const Part a{"a", "1"}, b{"b", "2"};
  CHECK(ErrorFrame::path().empty());
  {
    const ErrorFrame outer(&a, Part::describe);
    CHECK(ErrorFrame::path() == "a (1)");
    {
      const ErrorFrame inner(&b, Part::describe);
      CHECK(ErrorFrame::path() == "a / b (2)");
    }
    CHECK(ErrorFrame::path() == "a (1)");
  }
  CHECK(ErrorFrame::path().empty());
}

TEST_CASE("error frames: any of those that are open can be asked for") {
  const Part model{"model", ""}, layer{"layer", ""};
  const auto is_running = [](const Part& part) {
    return ErrorFrame::any_running([&](const void* object) { return object == &part; });
  };
  CHECK_FALSE(is_running(model));
  const ErrorFrame outer(&model, Part::describe);
  {
    const ErrorFrame inner(&layer, Part::describe);
    CHECK(is_running(model));
    CHECK(is_running(layer));
  }
  CHECK_FALSE(is_running(layer));
}

TEST_CASE("error frames: an exception that passes closes its frames") {
  const Part a{"a", "1"};
  const std::string message = thrown<Error>([&] {
    const ErrorFrame frame(&a, Part::describe);
    throw ConfigError({.what = "x"});
  });
  CHECK(message == "ConfigError: x\n  in: a (1)");
  CHECK(ErrorFrame::path().empty());
}

TEST_CASE("error frames: another thread has a path of its own") {
  const Part a{"a", "1"}, b{"b", "2"};
  const ErrorFrame frame(&a, Part::describe);
  std::string empty = "never set", other;
  std::thread thread([&] {
    empty = ErrorFrame::path();
    const ErrorFrame inner(&b, Part::describe);
    other = ErrorFrame::path();
  });
  thread.join();
  CHECK(empty.empty());
  CHECK(other == "b (2)");
  CHECK(ErrorFrame::path() == "a (1)");
}

TEST_CASE("text: joins parts; numbers are written shortest and exactly") {
  CHECK(text() == "");
  CHECK(text("got ", 3, " of ", std::int64_t{-4}, ' ', std::string("five"), std::size_t{6}) ==
        "got 3 of -4 five6");
  CHECK(text(0.5, " ", 0.1, " ", -2.0, " ", 1e300) == "0.5 0.1 -2 1e+300");
  CHECK(text(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(text(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
}

}  // namespace
}  // namespace heed::tests
