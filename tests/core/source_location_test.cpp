#include "core/source_location.h"

#include <thread>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

int line_of_caller(SourceLocation at = {}) { return at.line(); }
int line_of_its_caller(SourceLocation at = {}) { return line_of_caller(at); }

TEST_CASE("source location: as a default it is the line of the outermost caller that left it out") {
  CHECK(line_of_caller() == __LINE__);
  CHECK(line_of_its_caller() == __LINE__);
  CHECK(text(SourceLocation()) == text("tests/core/source_location_test.cpp:", __LINE__));
  CHECK(text(SourceLocation::unknown()) == "an unknown line");
}

TEST_CASE("source location: a place keeps its number, in every thread, and is found by it") {
  std::vector<SourceLocation> places;
  for (int line = 1; line <= 5'000; ++line) places.emplace_back(line % 2 == 0 ? "even.cpp" : "odd.cpp", line);
  std::vector<std::vector<std::uint32_t>> numbers(4);
  std::vector<std::thread> threads;
  for (auto& mine : numbers)
    threads.emplace_back([&] {
      for (const SourceLocation& place : places) mine.push_back(source_locations::number_of(place));
    });
  for (std::thread& thread : threads) thread.join();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const SourceLocation found = source_locations::at_number(numbers[0][i]);
    for (const auto& of_thread : numbers) wrong += of_thread[i] != numbers[0][i];
    wrong += found.file() != places[i].file() || found.line() != places[i].line();
  }
  CHECK(wrong == 0);
  CHECK(source_locations::number_of(SourceLocation::unknown()) == 0);
  CHECK_FALSE(source_locations::at_number(0).known());
}

}  // namespace
}  // namespace heed::tests
