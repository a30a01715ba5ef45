// Numbers that another program has made, read from tests/fixtures/ (written by make_fixtures.py there).
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace heed::tests {

/// Named arrays of tests/fixtures/NAME.txt, relative to the working directory. Two lines an array: its name and
/// extents, then its values in row-major order.
class Fixture {
 public:
  explicit Fixture(const std::string& name) : path_("tests/fixtures/" + name + ".txt") {
    std::ifstream file(path_);
    if (!file) throw IoError({.what = text(path_, ": cannot be read"), .hint = "run from the repository root"});
    for (std::string head, values; std::getline(file, head) && std::getline(file, values);) {
      std::istringstream words(head), numbers(values);
      std::string array;
      words >> array;
      std::vector<std::int64_t> extents;
      for (std::int64_t extent = 0; words >> extent;) extents.push_back(extent);
      std::vector<double> elements;
      for (double element = 0; numbers >> element;) elements.push_back(element);
      arrays_.emplace_back(array, Tensor::of(elements, Shape(extents), DType::f64));
    }
  }

  /// The array, f64. Throws IoError when the file has none of that name.
  Tensor operator[](const std::string& name) const {
    for (const auto& [array, values] : arrays_)
      if (array == name) return values;
    throw IoError({.what = text(path_, ": no array ", name)});
  }
  Tensor ids(const std::string& name) const { return (*this)[name].to(DType::i32); }

 private:
  std::string path_;
  NamedTensors arrays_;
};

}  // namespace heed::tests
