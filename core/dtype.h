// The element types of tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace heed {

/// f32 for training, f64 for checking gradients, i32 for token ids, boolean (one byte) for masks.
enum class DType : std::uint8_t { f32, f64, i32, boolean };

/// Bytes of one element.
constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 4;
    case DType::f64:
      return 8;
    case DType::i32:
      return 4;
    case DType::boolean:
      return 1;
  }
  return 0;
}

constexpr const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::i32:
      return "i32";
    case DType::boolean:
      return "boolean";
  }
  return "?";
}

constexpr bool is_floating(DType dtype) { return dtype == DType::f32 || dtype == DType::f64; }

/// The DType of a C++ type: float, double, int32_t or bool.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) {
    return DType::f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return DType::f64;
  } else if constexpr (std::is_same_v<T, std::int32_t>) {
    return DType::i32;
  } else {
    static_assert(std::is_same_v<T, bool>, "tensors hold float, double, int32_t or bool");
    return DType::boolean;
  }
}

inline void append(std::string& out, DType dtype) { out.append(name_of(dtype)); }

}  // namespace heed
