#include "core/serialize.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/file.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace heed;
using namespace std::string_literals;
using heed::tests::ContainsSubstring;
using heed::tests::Folder;

namespace {

// A file made by hand: the length that fits the header, the header, the data.
std::string file_of(const std::string& header, const std::string& data = "") {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

// The header of a file whose one tensor is `a`.
std::string with_a(const std::string& info) { return "{\"a\":{" + info + "}}"; }

// The first line of what parsing says.
std::string complaint(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "m");
  } catch (const IoError& error) {
    const std::string message = error.what();
    return message.substr(0, message.find('\n'));
  }
  return "no error";
}

std::string write_complaint(const TensorFile& file) {
  const Folder folder;
  try {
    write_safetensors(folder.at("x"), file);
  } catch (const IoError& error) {
    CHECK(folder.files() == 0);
    return error.what();
  }
  return "no error";
}

std::string written(const TensorFile& file) {
  const Folder folder;
  write_safetensors(folder.at("x"), file);
  return read_file(folder.at("x"));
}

std::string header_of(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  return bytes.substr(8, length);
}

TensorFile mixed() {
  Rng rng(7);
  return {.tensors = {{"flags", Tensor::of({1, 0, 1}, {3}, DType::boolean)},
                      {"weight", Tensor::normal({2, 3}, 0, 1, rng)},
                      {"exact", Tensor::normal({3}, 0, 1, rng, DType::f64)},
                      {"ids", Tensor::of({-5, 0, 2147483647}, {3}, DType::i32)},
                      {"step", Tensor::scalar(42, DType::i32)},
                      {"none", Tensor::zeros({0, 4})}},
          .metadata = {{"task", "dates"}, {"epoch", "3"}}};
}

void require_same(const TensorFile& a, const TensorFile& b) {
  CHECK(a.metadata == b.metadata);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const auto& [name, x] = a.tensors[i];
    const auto& [other_name, y] = b.tensors[i];
    CHECK(name == other_name);
    CHECK(x.dtype() == y.dtype());
    CHECK(x.shape() == y.shape());
    CHECK(x.to_vector() == y.to_vector());
  }
}

}  // namespace

TEST_CASE("safetensors: every element type, scalars and empty tensors come back in their order") {
  const Folder folder;
  const TensorFile file = mixed();
  write_safetensors(folder.at("m"), file);
  const TensorFile back = read_safetensors(folder.at("m"));
  require_same(file, back);
  require_same(file, parse_safetensors(read_file(folder.at("m")), "m"));
  CHECK(back.path == folder.at("m"));
  CHECK(back.tensor("step").item() == 42);
  CHECK(back.value("task") == "dates");
  CHECK(back.tensor("ids").origin() == "tensor \"ids\" of " + folder.at("m"));
}

TEST_CASE("safetensors: a file without tensors or metadata comes back empty") {
  const std::string bytes = written({});
  CHECK(bytes.size() == 64);
  const TensorFile back = parse_safetensors(bytes, "m");
  CHECK(back.tensors.empty());
  CHECK(back.metadata.empty());
}

TEST_CASE("safetensors: infinities, not-a-numbers, negative zero and the smallest numbers keep their bits") {
  const std::vector<double> special = {
      std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(), -0.0,
      std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max()};
  const Tensor x = Tensor::of(special, {5}, DType::f64);
  const TensorFile back = parse_safetensors(written({.tensors = {{"x", x}}}), "m");
  CHECK(std::memcmp(back.tensor("x").bytes(), x.bytes(), 5 * sizeof(double)) == 0);
}

TEST_CASE("safetensors: a view is written as the tensor that it shows") {
  const Tensor x = Tensor::matrix({{1, 2, 3}, {4, 5, 6}});
  const TensorFile file{.tensors = {{"transposed", x.transpose()},
                                    {"column", x.slice(1, 1, 2)},
                                    {"row", x.select(0, 1)},
                                    {"expanded", Tensor::ones({1, 3}).expand({4, 3})}}};
  require_same(file, parse_safetensors(written(file), "m"));
}

TEST_CASE("safetensors: the bytes are those that the format demands") {
  const TensorFile file{
      .tensors = {{"b", Tensor::of({1, 0}, {2}, DType::boolean)}, {"w", Tensor::of({1.0, -2.0}, {1, 2})}},
      .metadata = {{"k", "v"}}};
  std::string header = R"({"__metadata__":{"k":"v"},"b":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]},)"
                       R"("w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  header.resize((8 + header.size() + 63) / 64 * 64 - 8, ' ');
  CHECK(written(file) == file_of(header, std::string("\0\0\x80\x3f\0\0\0\xc0\1\0", 10)));
}

TEST_CASE("safetensors: the data begins at a multiple of 64 and each tensor at a multiple of its element") {
  for (std::size_t length = 0; length < 130; ++length) {
    TensorFile file = mixed();
    file.metadata = {{"filler", std::string(length, 'x')}};
    const std::string bytes = written(file);
    const std::string header = header_of(bytes);
    CHECK((8 + header.size()) % 64 == 0);
    CHECK(header.front() == '{');
    CHECK(header.find_last_not_of(' ') == header.rfind('}'));
    CHECK(bytes.size() == 8 + header.size() + 3 * 8 + 6 * 4 + 3 * 4 + 4 + 3);
    require_same(file, parse_safetensors(bytes, "m"));
  }
  const std::string header = header_of(written(mixed()));
  CHECK_THAT(header, ContainsSubstring(R"("exact":{"dtype":"F64","shape":[3],"data_offsets":[0,24]})"));
  CHECK_THAT(header, ContainsSubstring(R"("flags":{"dtype":"BOOL","shape":[3],"data_offsets":[64,67]})"));
}

TEST_CASE("safetensors: names and metadata may hold quotes, controls and any character") {
  const std::string nasty = "q\" b\\ n\n t\t nul\0 del\x7f é 漢 \xf0\x9f\x98\x80"s;
  const TensorFile file{.tensors = {{nasty, Tensor::ones({1})}, {"", Tensor::ones({1})}},
                        .metadata = {{nasty, nasty}, {"", ""}}};
  const std::string bytes = written(file);
  require_same(file, parse_safetensors(bytes, "m"));
  for (const char c : header_of(bytes)) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("safetensors: escapes, spaces and any order of the offsets are read") {
  const std::string header =
      "{ \"\\u0041\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\\u00e9\\u6F22\" :\r\n\t{ \"shape\" : [ 1 , 2 ] ,"
      "\"data_offsets\":[1,9],\"dtype\":\"I32\" } , "
      "\"b\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[0,1]},"
      "\"__metadata__\" : { \"k\" : \"\\u0076\" }, "
      "\"e\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[1,1]} }  ";
  const TensorFile file = parse_safetensors(file_of(header, std::string("\1\7\0\0\0\xff\xff\xff\xff", 9)), "m");
  REQUIRE(file.tensors.size() == 3);
  CHECK(file.tensors[0].first == "A\xf0\x9f\x98\x80/\b\f\n\r\t\"\\\xc3\xa9\xe6\xbc\xa2");
  CHECK(file.tensors[0].second.to_vector() == std::vector<double>{7, -1});
  CHECK(file.tensor("b").item() == 1);
  CHECK(file.tensor("e").count() == 0);
  CHECK(file.value("k") == "v");
}

TEST_CASE("safetensors: a name that is not there is told with those that are") {
  TensorFile file = mixed();
  file.path = "m.safetensors";
  CHECK_THROWS_WITH(file.tensor("bias"),
                    "IoError: m.safetensors: no tensor \"bias\"\n"
                    "  it holds \"flags\", \"weight\", \"exact\", \"ids\", \"step\", \"none\"");
  CHECK_THROWS_WITH(file.value("seed"),
                    "IoError: m.safetensors: no metadata \"seed\"\n  it holds \"task\", \"epoch\"");
  CHECK_THROWS_WITH(TensorFile{}.tensor("x"),
                    "IoError: tensor file: no tensor \"x\"\n  it holds no tensor at all");
  TensorFile many;
  for (int i = 0; i < 15; ++i) many.tensors.emplace_back(std::to_string(i), Tensor::ones({1}));
  CHECK_THROWS_WITH(many.tensor("x"), ContainsSubstring("\"11\" and 3 more"));
}

TEST_CASE("safetensors: what cannot be written is refused before there is a file") {
  const Tensor x = Tensor::ones({1});
  CHECK_THAT(write_complaint({.tensors = {{"a", x}, {"a", x}}}),
             ContainsSubstring("cannot write the tensor name \"a\" twice"));
  CHECK_THAT(write_complaint({.metadata = {{"k", "1"}, {"k", "2"}}}),
             ContainsSubstring("cannot write the metadata key \"k\" twice"));
  CHECK_THAT(write_complaint({.tensors = {{"__metadata__", x}}}), ContainsSubstring("\"__metadata__\""));
  CHECK_THAT(write_complaint({.tensors = {{"\xff", x}}}), ContainsSubstring("tensor name that is not UTF-8"));
  CHECK_THAT(write_complaint({.metadata = {{"\xc3", "v"}}}),
             ContainsSubstring("metadata key that is not UTF-8"));
  CHECK_THAT(write_complaint({.metadata = {{"k", "\xed\xa0\x80"}}}),
             ContainsSubstring("its value is not UTF-8"));
  CHECK_THAT(write_complaint({.tensors = {{"a", Tensor()}}}), ContainsSubstring("\"a\": it is undefined"));
}

TEST_CASE("safetensors: a failed write keeps the old file and leaves no temporary") {
  const Folder folder;
  write_safetensors(folder.at("m"), mixed());
  CHECK_THROWS_AS(write_safetensors(folder.at("m"), {.tensors = {{"a", Tensor()}}}), IoError);
  CHECK_THROWS_AS(write_safetensors(folder.at("no/m"), mixed()), IoError);
  if (std::filesystem::exists("/dev/full")) CHECK_THROWS_AS(write_safetensors("/dev/full", mixed()), IoError);
  require_same(read_safetensors(folder.at("m")), mixed());
  CHECK(folder.files() == 1);
}

TEST_CASE("safetensors: a missing file, a folder and a device are told as such") {
  const Folder folder;
  CHECK_THROWS_WITH(read_safetensors(folder.at("m")), ContainsSubstring("No such file or directory"));
  CHECK_THROWS_WITH(read_safetensors(folder.path.string()), ContainsSubstring("Is a directory"));
  CHECK_THROWS_WITH(read_safetensors("/dev/null"), ContainsSubstring("not a regular file"));
}

TEST_CASE("safetensors: a length that the file cannot have is refused") {
  CHECK(complaint("") == "IoError: m: not a safetensors file: 0 bytes cannot hold a header");
  CHECK(complaint("1234567") == "IoError: m: not a safetensors file: 7 bytes cannot hold a header");
  const std::string whole = file_of(std::string(812, ' '));
  CHECK(complaint(whole.substr(0, 308)) ==
        "IoError: m: the header is cut short: 812 bytes announced, 300 present");
  CHECK(
      complaint(std::string(8, '\xff') + "{}") ==
      "IoError: m: not a safetensors file: its first 8 bytes announce a header of 18446744073709551615 bytes");
  CHECK(complaint(std::string("\1\xe1\xf5\5\0\0\0\0{}", 10)) ==
        "IoError: m: not a safetensors file: its first 8 bytes announce a header of 100000001 bytes");
  CHECK(complaint(file_of("")) == "IoError: m: not a safetensors file: its header does not begin with '{'");
  CHECK(complaint(file_of(" {}")) == "IoError: m: not a safetensors file: its header does not begin with '{'");
}

TEST_CASE("safetensors: a header that is not the JSON of the format is refused at the byte") {
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"{", "1: expected a string, got the end"},
      {"{}\n", "2: expected the end, got \"\\u000a\""},
      {"{}{}", "2: expected the end, got \"{\""},
      {"{a", "1: expected a string, got \"a\""},
      {"{\"a\"}", "4: expected ':', got \"}\""},
      {"{\"a\":1}", "5: expected '{', got \"1\""},
      {"{\"__metadata__\":{},}", "19: expected a string, got \"}\""},
      {"{\"a", "3: expected '\"' to end the string, got the end"},
      {"{\"\xff\":{}}", "2: not UTF-8"},
      {"{\"\xc0\xaf\":{}}", "2: not UTF-8"},
      {"{\"\xe0\x9f\xbf\":{}}", "2: not UTF-8"},
      {"{\"\xed\xa0\x80\":{}}", "2: not UTF-8"},
      {"{\"\xf4\x90\x80\x80\":{}}", "2: not UTF-8"},
      {"{\"\xe6\xbc", "2: not UTF-8"},
      {"{\"a\nb\":{}}", "3: a control character in a string"},
      {"{\"\\x\":{}}", "2: an escape that JSON does not have"},
      {"{\"\\", "3: expected an escape, got the end"},
      {"{\"\\u12g4\":{}}", "6: expected a hexadecimal digit, got \"g\""},
      {"{\"\\u12", "6: expected a hexadecimal digit, got the end"},
      {"{\"\\ud800\":{}}", "2: a surrogate without its partner"},
      {"{\"\\ud800\\u0041\":{}}", "2: a surrogate without its partner"},
      {"{\"\\ude00\":{}}", "2: a surrogate without its partner"},
      {"{\"\\ud83d\\\"\":{}}", "2: a surrogate without its partner"},
      {"{\"__metadata__\":[]}", "16: expected '{', got \"[\""},
      {"{\"__metadata__\":{\"k\":1}}", "21: expected a string, got \"1\""},
      {"{\"__metadata__\":{\"k\":null}}", "21: expected a string, got \"n\""},
      {"{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", "24: the key \"k\" comes a second time"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", "19: the key \"__metadata__\" comes a second time"},
      {with_a("\"dtype\":1"), "14: expected a string, got \"1\""},
      {with_a("\"shape\":3"), "14: expected '[', got \"3\""},
      {with_a("\"shape\":[-1]"), "15: expected an integer >= 0, got \"-\""},
      {with_a("\"shape\":[1.0]"), "15: expected an integer >= 0, got another number"},
      {with_a("\"shape\":[1e2]"), "15: expected an integer >= 0, got another number"},
      {with_a("\"shape\":[01]"), "15: an integer with a leading 0"},
      {with_a("\"shape\":[9223372036854775808]"), "15: an integer of more than 63 bits"},
      {with_a("\"shape\":[1 2]"), "17: expected ']', got \"2\""},
      {with_a("\"shape\":[1,]"), "17: expected an integer >= 0, got \"]\""},
      {with_a("\"shape\":[[1]]"), "15: expected an integer >= 0, got \"[\""},
      {with_a("\"shape\":[],\"shape\":[]"), "17: the key \"shape\" comes a second time"},
      {std::string(100'000, '{'), "1: expected a string, got \"{\""},
      {with_a("\"shape\":" + std::string(100'000, '[')), "15: expected an integer >= 0, got \"[\""},
  };
  for (const auto& [header, what] : headers) {
    INFO(header.substr(0, 100));
    CHECK(complaint(file_of(header)) == "IoError: m: the header is wrong at byte " + what);
  }
}

TEST_CASE("safetensors: a tensor that heed cannot hold, or is not described in full, is refused by name") {
  const std::string f32 = R"("dtype":"F32",)", shape = R"("shape":[1],)", offsets = R"("data_offsets":[0,4])";
  REQUIRE(complaint(file_of(with_a(f32 + shape + offsets), "1234")) == "no error");
  const std::vector<std::pair<std::string, std::string>> infos = {
      {R"("dtype":"BF16",)" + shape + offsets, "has dtype BF16, which is not supported"},
      {R"("dtype":"F16",)" + shape + offsets, "has dtype F16, which is not supported"},
      {R"("dtype":"I64",)" + shape + offsets, "has dtype I64, which is not supported"},
      {R"("dtype":"U8",)" + shape + offsets, "has dtype U8, which is not supported"},
      {R"("dtype":"f32",)" + shape + offsets, "has the unknown dtype \"f32\""},
      {f32 + R"("shape":[1,1,1,1,1,1,1,1,1],)" + offsets, "has more than 8 axes, which is not supported"},
      {f32 + R"("shape":[4294967296,4294967296],)" + offsets,
       "has a shape of more elements than can be counted"},
      {f32 + R"("shape":[9223372036854775807],)" + offsets, "has a shape of more elements than can be counted"},
      {f32 + R"("shape":[4611686018427387904,4611686018427387904,0],"data_offsets":[0,0])",
       "has a shape of more elements than can be counted"},
      {f32 + R"("shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0])",
       "has a shape of more elements than can be counted"},
      {shape + offsets, "has no dtype"},
      {f32 + offsets, "has no shape"},
      {f32 + R"("shape":[1])", "has no data_offsets of two numbers"},
      {f32 + shape + R"("data_offsets":[4])", "has no data_offsets of two numbers"},
      {f32 + shape + R"("data_offsets":[0,2,4])", "has more than two data_offsets"},
      {f32 + shape + R"("strides":[1],)" + offsets, "has the unknown key \"strides\""},
      {f32 + shape + R"("data_offsets":[4,0])", "ends before it begins: data_offsets [4, 0]"},
      {f32 + shape + R"("data_offsets":[0,3])",
       "does not fill its place: f32 [1] takes 4 bytes, data_offsets [0, 3] are 3"},
      {R"("dtype":"F64",)" + shape + offsets,
       "does not fill its place: f64 [1] takes 8 bytes, data_offsets [0, 4] are 4"},
      {f32 + R"("shape":[],"data_offsets":[0,0])",
       "does not fill its place: f32 [] takes 4 bytes, data_offsets [0, 0] are 0"},
  };
  for (const auto& [info, what] : infos) {
    INFO(info);
    CHECK(complaint(file_of(with_a(info), "1234")) == "IoError: m: tensor \"a\" " + what);
  }
}

TEST_CASE("safetensors: tensors that do not cover the data without hole and overlap are refused") {
  // Tensors a, b, … with these offsets, of the booleans that fill them.
  const auto said = [](const std::vector<std::pair<int, int>>& offsets, std::size_t data_bytes) {
    std::string header = "{";
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      const auto [begin, end] = offsets[i];
      header += text(i == 0 ? "\"" : ",\"", static_cast<char>('a' + i), R"(":{"dtype":"BOOL","shape":[)",
                     end - begin, R"(],"data_offsets":[)", begin, ",", end, "]}");
    }
    return complaint(file_of(header + "}", std::string(data_bytes, '\1')));
  };
  CHECK(said({{0, 4}, {4, 8}}, 8) == "no error");
  CHECK(said({{4, 8}, {4, 4}, {0, 4}, {8, 8}, {0, 0}}, 8) == "no error");
  CHECK(said({{0, 4}, {3, 8}}, 8) == "IoError: m: tensors \"a\" and \"b\" overlap at byte 3 of the data");
  CHECK(said({{0, 4}, {0, 4}}, 4) == "IoError: m: tensors \"a\" and \"b\" overlap at byte 0 of the data");
  CHECK(said({{0, 4}, {2, 2}}, 4) == "IoError: m: tensors \"a\" and \"b\" overlap at byte 2 of the data");
  CHECK(said({{0, 4}, {5, 8}}, 8) == "IoError: m: bytes 4 to 5 of the data belong to no tensor");
  CHECK(said({{1, 4}}, 4) == "IoError: m: bytes 0 to 1 of the data belong to no tensor");
  CHECK(said({{0, 4}, {9, 9}}, 4) == "IoError: m: bytes 4 to 9 of the data belong to no tensor");
  CHECK(said({{0, 4}, {4, 8}}, 6) ==
        "IoError: m: the data is cut short: tensor \"b\" ends at byte 8, 6 present");
  CHECK(said({{0, 4}}, 7) == "IoError: m: the data goes on for 3 bytes after the last tensor");
  CHECK(said({}, 1) == "IoError: m: the data goes on for 1 bytes after the last tensor");
}

TEST_CASE("safetensors: a boolean that is neither 0 nor 1 is refused") {
  const std::string header = with_a(R"("dtype":"BOOL","shape":[3],"data_offsets":[0,3])");
  CHECK(complaint(file_of(header, std::string("\0\1\2", 3))) == "IoError: m: element 2 of tensor \"a\" is 2");
}

TEST_CASE("safetensors: messages stay short when names are long") {
  std::string name(79, 'x');
  for (int i = 0; i < 10'000; ++i) name += "é";
  const std::string message = complaint(file_of("{\"" + name + "\":{}}"));
  CHECK(message == "IoError: m: tensor \"" + std::string(79, 'x') + "\"... has no dtype");
}

TEST_CASE("safetensors: a file cut anywhere is refused") {
  const std::string bytes = written(mixed());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    INFO(length);
    CHECK(complaint(bytes.substr(0, length)) != "no error");
  }
}

TEST_CASE("safetensors: a file with any byte changed is refused or gives tensors of its size") {
  const std::string bytes = written(mixed());
  const std::string header = header_of(bytes);
  const std::size_t data_bytes = bytes.size() - 8 - header.size();
  Rng rng(11);
  int refused = 0, read = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int attempt = 0; attempt < 12; ++attempt) {
      std::string changed = bytes;
      // A flipped bit, another digit or bracket, or anything at all.
      const char replacements[] = {static_cast<char>(bytes[at] ^ (1 << rng.below(8))),
                                   "0123456789{}[]\",:\\"[rng.below(18)], static_cast<char>(rng.below(256))};
      changed[at] = replacements[attempt % 3];
      try {
        const TensorFile file = parse_safetensors(changed, "m");
        std::size_t held = 0;
        for (const auto& [name, tensor] : file.tensors) {
          REQUIRE(tensor.defined());
          REQUIRE(tensor.to_vector().size() == static_cast<std::size_t>(tensor.count()));
          held += static_cast<std::size_t>(tensor.count()) * size_of(tensor.dtype());
        }
        REQUIRE(held == data_bytes);
        ++read;
      } catch (const IoError& error) {
        REQUIRE_THAT(error.what(), ContainsSubstring("IoError: m: "));
        ++refused;
      }
    }
  }
  CHECK(refused > 1000);
  CHECK(read > 100);
}
