// JSON for the headers of files: strict, read value by value without a tree, written string by string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace heed {

/// Reads a text that is JSON (RFC 8259) and UTF-8, one expected value after the other:
///
///   JsonReader reader(R"({"sizes": [3, 4]})", "a.json");
///   reader.object([&](std::string key) { reader.array([&] { sizes.push_back(reader.integer()); }); });
///   reader.end();
///
/// Every function throws IoError, with the subject and the byte at which the text is wrong, when something else
/// comes next.
class JsonReader {
 public:
  /// The text must outlive the reader. Throws IoError unless it is UTF-8.
  JsonReader(std::string_view text, std::string subject);

  /// Calls `member(key)`, which must read the value, for each member of an object. Throws IoError for a key
  /// that comes twice.
  template <class F>
  void object(F member) {
    std::unordered_set<std::string> keys;
    expect('{');
    if (accept('}')) return;
    do {
      const std::size_t at = skip_space();
      std::string key = string();
      if (!keys.insert(key).second) fail(at, "the key " + quoted(key) + " comes a second time");
      expect(':');
      member(std::move(key));
    } while (accept(','));
    expect('}');
  }
  /// Calls `element()`, which must read the value, for each element of an array.
  template <class F>
  void array(F element) {
    expect('[');
    if (accept(']')) return;
    do element();
    while (accept(','));
    expect(']');
  }
  /// A string, its escapes resolved: UTF-8 again, as a surrogate without its partner is an error.
  std::string string();
  /// An integer >= 0 that fits in 63 bits.
  std::int64_t integer();
  /// Makes sure that nothing but spaces follows.
  void end();

  /// A string in double quotes for a message, on one line and cut when it is long.
  static std::string quoted(std::string_view string);

 private:
  std::size_t skip_space();
  bool accept(char wanted);
  void expect(char wanted);
  char32_t escape();
  char32_t four_hex_digits();
  [[noreturn]] void fail(std::size_t at, const std::string& what) const;
  [[noreturn]] void fail_expecting(const std::string& wanted) const;

  std::string_view text_;
  std::string subject_;
  std::size_t at_ = 0;
};

/// Appends a UTF-8 string with its quotes and escapes.
void append_json_string(std::string& out, std::string_view string);

}  // namespace heed
