#include "core/names.h"

#include <deque>
#include <map>
#include <mutex>

namespace heed::names {
namespace {

struct Table {
  std::mutex mutex;
  std::deque<std::string> names{""};  // which stay where they are
  std::map<std::string_view, std::uint32_t> numbers{{names.front(), 0}};
};

Table& table() {
  static Table* const table = new Table;  // threads may ask to the very end
  return *table;
}

}  // namespace

std::uint32_t number_of(std::string_view name) {
  Table& known = table();
  const std::scoped_lock lock(known.mutex);
  if (const auto found = known.numbers.find(name); found != known.numbers.end()) return found->second;
  const auto number = static_cast<std::uint32_t>(known.names.size());
  known.numbers.emplace(known.names.emplace_back(name), number);
  return number;
}

const std::string& at_number(std::uint32_t number) {
  Table& known = table();
  const std::scoped_lock lock(known.mutex);
  return known.names[number];
}

}  // namespace heed::names
