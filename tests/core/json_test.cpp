#include "core/json.h"

#include <string>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"

using namespace heed;
using heed::tests::ContainsSubstring;

TEST_CASE("json: objects and arrays are read in their order, empty ones included") {
  JsonReader reader(" {\"a\": [1, 20 ,0],\n\"b\":[], \"c\":{} , \"d\":\"x\"}  ", "a.json");
  std::vector<std::string> keys;
  std::vector<std::int64_t> numbers;
  std::string word;
  reader.object([&](const std::string& key) {
    keys.push_back(key);
    if (key == "c") {
      reader.object([&](const std::string& inner) { keys.push_back(inner); });
    } else if (key == "d") {
      word = reader.string();
    } else {
      reader.array([&] { numbers.push_back(reader.integer()); });
    }
  });
  reader.end();
  CHECK(keys == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(numbers == std::vector<std::int64_t>{1, 20, 0});
  CHECK(word == "x");
}

TEST_CASE("json: integers reach up to 63 bits") {
  CHECK(JsonReader("9223372036854775807", "j").integer() == 9223372036854775807);
  CHECK_THROWS_WITH(JsonReader("9223372036854775808", "j").integer(),
                    "IoError: j is wrong at byte 0: an integer of more than 63 bits");
  CHECK_THROWS_WITH(JsonReader("99999999999999999999", "j").integer(), ContainsSubstring("63 bits"));
  CHECK_THROWS_WITH(JsonReader("00", "j").integer(), ContainsSubstring("a leading 0"));
  CHECK_THROWS_WITH(JsonReader("", "j").integer(), ContainsSubstring("got the end"));
}

TEST_CASE("json: a string written is the string read, for every character of the first page and beyond") {
  std::string string;
  for (char c = 0; c < 127; ++c) string.push_back(c);
  string +=
      "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";
  std::string written;
  append_json_string(written, string);
  JsonReader reader(written, "j");
  CHECK(reader.string() == string);
  reader.end();
  CHECK_THAT(written, ContainsSubstring("\\u0000\\u0001"));
  CHECK_THAT(written, ContainsSubstring("\\u001f !\\\"#"));
}

TEST_CASE("json: an escape gives the UTF-8 of its code point at each length") {
  CHECK(JsonReader(R"("\u007F\u0080\u07ff\u0800\uFFFF\uD800\uDC00\udbff\udfff")", "j").string() ==
        "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}
