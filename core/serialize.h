// Tensors in files: the safetensors format, which other frameworks read and write too.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace heed {

/// What a safetensors file holds, in its order.
///
///   write_safetensors("model.safetensors", {.tensors = model.state(), .metadata = {{"task", "dates"}}});
///   const TensorFile file = read_safetensors("model.safetensors");
///   model.load_state(file.tensors);
struct TensorFile {
  NamedTensors tensors{};
  std::vector<std::pair<std::string, std::string>> metadata{};
  std::string path{};  ///< of the file that this was read from, for messages; not written

  /// The tensor of that name. Throws IoError that lists the names there are.
  const Tensor& tensor(std::string_view name) const;
  /// The same for a value of the metadata.
  const std::string& value(std::string_view key) const;
};

/// Writes the file, or leaves an old one as it was (write_file in core/file.h). Elements go in as f32 -> F32,
/// f64 -> F64, i32 -> I32 and boolean -> BOOL; a view is written as the tensor that it shows. The data begins
/// at a multiple of 64 bytes and lies by falling size of the elements, so that each tensor is aligned for its
/// type.
///
/// Throws IoError when the file cannot be written, a name comes twice, is "__metadata__" or not UTF-8, or a
/// tensor is undefined.
void write_safetensors(const std::string& path, const TensorFile& file);

/// Reads the file, the elements straight into their tensors. Strict: whatever the format does not allow is an
/// IoError, whose first line names the path and what is wrong, and so are element types other than the four
/// above, tensors of more than kMaxRank axes and a BOOL that is neither 0 nor 1.
TensorFile read_safetensors(const std::string& path);

/// The same from the bytes of a file, called `path` in messages.
TensorFile parse_safetensors(std::string_view bytes, const std::string& path);

}  // namespace heed
