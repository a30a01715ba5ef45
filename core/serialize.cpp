#include "core/serialize.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <unordered_set>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/utf8.h"

namespace heed {
namespace {

// A file is 8 bytes that say how long the header is, the header in JSON, and the data of all tensors:
//
//   {"__metadata__": {"task": "dates"}, "out.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0,
//   24]}}
//
// The offsets are relative to the end of the header. Numbers and elements are little-endian.
static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 64;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the reference implementation's limit
constexpr const char* kMetadata = "__metadata__";

struct TypeName {
  const char* name;
  DType dtype;
};
constexpr std::array kTypes = {TypeName{"F32", DType::f32}, TypeName{"F64", DType::f64},
                               TypeName{"I32", DType::i32}, TypeName{"BOOL", DType::boolean}};
constexpr std::array kOtherTypes = {"I8",   "I16",     "I64",     "U8",      "U16", "U32",     "U64",     "F16",
                                    "BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "C64", "F6_E2M3", "F6_E3M2", "F4"};

std::string quoted_name(std::string_view name) { return JsonReader::quoted(name); }

[[noreturn]] void refuse(const std::string& path, const std::string& what, std::string expected = {}) {
  throw IoError({.what = text(path, ": ", what), .expected = std::move(expected)});
}

// Where the elements of a tensor lie in the data.
struct Place {
  std::string name;
  DType dtype;
  Shape shape;
  std::int64_t begin, end;
};

// ---- reading

DType read_dtype(JsonReader& json, const std::string& subject) {
  const std::string name = json.string();
  for (const TypeName& type : kTypes)
    if (name == type.name) return type.dtype;
  const bool known = std::find(kOtherTypes.begin(), kOtherTypes.end(), name) != kOtherTypes.end();
  throw IoError({.what = known ? text(subject, " has dtype ", name, ", which is not supported")
                               : text(subject, " has the unknown dtype ", quoted_name(name)),
                 .expected = "dtype F32, F64, I32 or BOOL"});
}

// Extents whose product, an empty axis left out, fits in 63 bits in bytes of any type.
Shape read_shape(JsonReader& json, const std::string& subject) {
  std::vector<std::int64_t> extents;
  std::int64_t room = std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(sizeof(double));
  json.array([&] {
    const std::int64_t extent = json.integer();
    room /= std::max<std::int64_t>(extent, 1);
    if (room == 0) throw IoError({.what = subject + " has a shape of more elements than can be counted"});
    if (extents.size() == kMaxRank)
      throw IoError({.what = text(subject, " has more than ", kMaxRank, " axes, which is not supported")});
    extents.push_back(extent);
  });
  return Shape(extents);
}

Place read_place(JsonReader& json, std::string name, const std::string& path) {
  const std::string subject = text(path, ": tensor ", quoted_name(name));
  std::optional<DType> dtype;
  std::optional<Shape> shape;
  std::vector<std::int64_t> offsets;
  json.object([&](const std::string& key) {
    if (key == "dtype") {
      dtype = read_dtype(json, subject);
    } else if (key == "shape") {
      shape = read_shape(json, subject);
    } else if (key == "data_offsets") {
      json.array([&] {
        if (offsets.size() == 2) throw IoError({.what = subject + " has more than two data_offsets"});
        offsets.push_back(json.integer());
      });
    } else {
      throw IoError({.what = text(subject, " has the unknown key ", quoted_name(key)),
                     .expected = "dtype, shape and data_offsets only"});
    }
  });
  if (!dtype || !shape || offsets.size() != 2)
    throw IoError({.what = text(subject, " has no ",
                                !dtype   ? "dtype"
                                : !shape ? "shape"
                                         : "data_offsets of two numbers")});
  return {std::move(name), *dtype, *shape, offsets[0], offsets[1]};
}

std::vector<Place> read_header(std::string_view header, TensorFile& file) {
  if (header.empty() || header[0] != '{')
    refuse(file.path, "not a safetensors file: its header does not begin with '{'");
  std::vector<Place> places;
  JsonReader json(header, file.path + ": the header");
  json.object([&](std::string key) {
    if (key != kMetadata) return places.push_back(read_place(json, std::move(key), file.path));
    json.object([&](std::string name) {
      std::string value = json.string();
      file.metadata.emplace_back(std::move(name), std::move(value));
    });
  });
  json.end();
  return places;
}

// The positions of the places by their offsets, once those are seen to cover the data without hole or overlap.
std::vector<std::size_t> order_in_data(const std::vector<Place>& places, std::int64_t data_bytes,
                                       const std::string& path) {
  std::vector<std::size_t> order(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(places[a].begin, places[a].end) < std::pair(places[b].begin, places[b].end);
  });
  std::int64_t covered = 0;
  const Place* before = nullptr;
  for (const std::size_t i : order) {
    const Place& place = places[i];
    const std::string offsets = text("data_offsets [", place.begin, ", ", place.end, "]");
    if (place.end < place.begin)
      refuse(path, text("tensor ", quoted_name(place.name), " ends before it begins: ", offsets));
    const std::int64_t bytes = place.shape.count() * static_cast<std::int64_t>(size_of(place.dtype));
    if (place.end - place.begin != bytes)
      refuse(path, text("tensor ", quoted_name(place.name), " does not fill its place: ", place.dtype, " ",
                        place.shape, " takes ", bytes, " bytes, ", offsets, " are ", place.end - place.begin));
    if (place.begin < covered)
      refuse(path, text("tensors ", quoted_name(before->name), " and ", quoted_name(place.name), " overlap at byte ",
                        place.begin, " of the data"));
    if (place.begin > covered)
      refuse(path, text("bytes ", covered, " to ", place.begin, " of the data belong to no tensor"));
    if (place.end > data_bytes)
      refuse(path, text("the data is cut short: tensor ", quoted_name(place.name), " ends at byte ", place.end, ", ",
                        data_bytes, " present"));
    covered = place.end;
    before = &place;
  }
  if (covered != data_bytes)
    refuse(path, text("the data goes on for ", data_bytes - covered, " bytes after the last tensor"));
  return order;
}

// A bool must not hold anything else.
void require_bools(std::span<const std::byte> bytes, const std::string& name, const std::string& path) {
  const auto wrong = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
  if (wrong != bytes.end())
    refuse(path,
           text("element ", static_cast<std::int64_t>(wrong - bytes.begin()), " of tensor ", quoted_name(name),
                " is ", std::to_integer<int>(*wrong)),
           "0 or 1 in a BOOL");
}

// Reads from anything that has `read(span of bytes)`, which returns how many bytes there were.
template <class Source>
TensorFile read_from(Source&& source, std::int64_t size, const std::string& path) {
  TensorFile file{.path = path};
  const auto read = [&](std::span<std::byte> to) {
    if (source.read(to) != to.size()) refuse(path, "the file became shorter while it was read");
  };
  if (size < static_cast<std::int64_t>(kLengthBytes))
    refuse(path, text("not a safetensors file: ", size, " bytes cannot hold a header"));
  std::uint64_t header_bytes = 0;
  read(std::as_writable_bytes(std::span(&header_bytes, 1)));
  const std::int64_t present = size - static_cast<std::int64_t>(kLengthBytes);
  if (header_bytes > kLargestHeader)
    refuse(path,
           text("not a safetensors file: its first 8 bytes announce a header of ", std::to_string(header_bytes),
                " bytes"),
           text("at most ", static_cast<std::int64_t>(kLargestHeader)));
  if (static_cast<std::int64_t>(header_bytes) > present)
    refuse(path, text("the header is cut short: ", static_cast<std::int64_t>(header_bytes),
                      " bytes announced, ", present, " present"));

  std::string header(header_bytes, '\0');
  read(std::as_writable_bytes(std::span(header)));
  const std::vector<Place> places = read_header(header, file);
  file.tensors.resize(places.size());
  for (const std::size_t i : order_in_data(places, present - static_cast<std::int64_t>(header_bytes), path)) {
    const Place& place = places[i];
    Tensor tensor = Tensor::empty(place.shape, place.dtype);
    const std::span bytes(tensor.fresh_bytes(), static_cast<std::size_t>(place.end - place.begin));
    read(bytes);
    if (place.dtype == DType::boolean) require_bools(bytes, place.name, path);
    tensor.storage().set_label(text("tensor ", quoted_name(place.name), " of ", path));
    file.tensors[i] = {place.name, std::move(tensor)};
  }
  return file;
}

// ---- writing

const char* type_name(DType dtype) {
  return std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& type) { return type.dtype == dtype; })
      ->name;
}

void require_writable(const TensorFile& file, const std::string& path) {
  const auto require = [&](std::unordered_set<std::string_view>& names, std::string_view name,
                           const char* kind) {
    if (find_invalid_utf8(name) != std::string_view::npos)
      refuse(path, text("cannot write a ", kind, " that is not UTF-8"));
    if (!names.insert(name).second) refuse(path, text("cannot write the ", kind, " ", quoted_name(name), " twice"));
  };
  std::unordered_set<std::string_view> names, keys;
  for (const auto& [name, tensor] : file.tensors) {
    require(names, name, "tensor name");
    if (name == kMetadata) refuse(path, text("cannot write a tensor of the name ", quoted_name(name)));
    if (!tensor.defined()) refuse(path, text("cannot write tensor ", quoted_name(name), ": it is undefined"));
  }
  for (const auto& [key, value] : file.metadata) {
    require(keys, key, "metadata key");
    if (find_invalid_utf8(value) != std::string_view::npos)
      refuse(path, text("cannot write the metadata ", quoted_name(key), ": its value is not UTF-8"));
  }
}

// The header in its length and its padding; `begins` holds the offset of each tensor.
std::string header_of(const TensorFile& file, const std::vector<std::int64_t>& begins) {
  std::string header(kLengthBytes, '\0');
  const auto open_member = [&](std::string_view key) {
    if (header.back() != '{') header.push_back(',');
    append_json_string(header, key);
    header.push_back(':');
  };
  header.push_back('{');
  if (!file.metadata.empty()) {
    open_member(kMetadata);
    header.push_back('{');
    for (const auto& [key, value] : file.metadata) {
      open_member(key);
      append_json_string(header, value);
    }
    header.push_back('}');
  }
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const auto& [name, tensor] = file.tensors[i];
    open_member(name);
    append(header, text("{\"dtype\":\"", type_name(tensor.dtype()), "\",\"shape\":["));
    for (int axis = 0; axis < tensor.rank(); ++axis)
      append(header, text(axis == 0 ? "" : ",", tensor.extent(axis)));
    const std::int64_t bytes = tensor.count() * static_cast<std::int64_t>(size_of(tensor.dtype()));
    append(header, text("],\"data_offsets\":[", begins[i], ",", begins[i] + bytes, "]}"));
  }
  header.push_back('}');
  header.append((kAlignment - header.size() % kAlignment) % kAlignment, ' ');
  const std::uint64_t length = header.size() - kLengthBytes;
  std::memcpy(header.data(), &length, kLengthBytes);
  return header;
}

template <class Value>
const Value& find(const std::vector<std::pair<std::string, Value>>& entries, std::string_view name,
                  const std::string& path, const char* kind) {
  for (const auto& [key, value] : entries)
    if (key == name) return value;
  constexpr std::size_t kMostNames = 12;
  std::string names;
  for (std::size_t i = 0; i < std::min(entries.size(), kMostNames); ++i)
    append(names, text(i == 0 ? "" : ", ", quoted_name(entries[i].first)));
  if (entries.size() > kMostNames) append(names, text(" and ", entries.size() - kMostNames, " more"));
  throw IoError({.what = text(path.empty() ? "tensor file" : path, ": no ", kind, " ", quoted_name(name)),
                 .operands = entries.empty() ? text("it holds no ", kind, " at all") : "it holds " + names});
}

}  // namespace

const Tensor& TensorFile::tensor(std::string_view name) const { return find(tensors, name, path, "tensor"); }

const std::string& TensorFile::value(std::string_view key) const {
  return find(metadata, key, path, "metadata");
}

void write_safetensors(const std::string& path, const TensorFile& file) {
  require_writable(file, path);
  std::vector<std::size_t> order(file.tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return size_of(file.tensors[a].second.dtype()) > size_of(file.tensors[b].second.dtype());
  });

  std::vector<std::int64_t> begins(order.size());
  std::vector<Tensor> contiguous;
  std::vector<std::string_view> parts(1);
  std::int64_t end = 0;
  for (const std::size_t i : order) {
    const Tensor& tensor = contiguous.emplace_back(file.tensors[i].second.contiguous_copy_if_needed());
    const std::size_t bytes = static_cast<std::size_t>(tensor.count()) * size_of(tensor.dtype());
    parts.emplace_back(reinterpret_cast<const char*>(tensor.bytes()), bytes);
    begins[i] = end;
    end += static_cast<std::int64_t>(bytes);
  }
  const std::string header = header_of(file, begins);
  if (header.size() > kLargestHeader)
    refuse(path, text("cannot write a header of ", header.size(), " bytes"),
           text("at most ", static_cast<std::int64_t>(kLargestHeader), " bytes of names and metadata"));
  parts[0] = header;
  write_file(path, parts);
}

TensorFile read_safetensors(const std::string& path) {
  InputFile file(path);
  return read_from(file, file.size(), path);
}

TensorFile parse_safetensors(std::string_view bytes, const std::string& path) {
  struct Memory {
    std::string_view rest;
    std::size_t read(std::span<std::byte> to) {
      const std::size_t n = std::min(to.size(), rest.size());
      if (n > 0) std::memcpy(to.data(), rest.data(), n);
      rest.remove_prefix(n);
      return n;
    }
  };
  return read_from(Memory{bytes}, static_cast<std::int64_t>(bytes.size()), path);
}

}  // namespace heed
