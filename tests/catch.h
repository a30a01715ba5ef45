// Catch2, version 2 or 3, whichever is installed, under one set of names.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
namespace heed::tests {
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
}  // namespace heed::tests
#else
#include <catch2/catch.hpp>
namespace heed::tests {
using Catch::Detail::Approx;
inline auto ContainsSubstring(const std::string& part) { return Catch::Matchers::Contains(part); }
}  // namespace heed::tests
#endif
