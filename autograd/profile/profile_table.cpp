#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

#include "autograd/profile/profile.h"
#include "autograd/profile/profile_text.h"
#include "core/error.h"
#include "core/plot.h"
#include "core/plot_text.h"
#include "core/value_text.h"

namespace heed {
namespace {

std::string name_of(const ProfileEntry& entry, ProfileBy by) {
  if (by == ProfileBy::module) return entry.module;
  if (by == ProfileBy::operation) return entry.name;
  return text(entry.at.known() ? text(entry.at) : std::string("no line"), " ", entry.name);
}

// The module that a path is a part of; of the outermost itself.
std::string_view outer_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return path.substr(0, dot == path.npos ? 0 : dot);
}

// Modules in the order in which they are met, each with those that it is a part of.
class Tree {
 public:
  Tree() { modules_.push_back({}); }

  std::size_t place_of(std::string_view path) {
    for (std::size_t i = 0; i < modules_.size(); ++i)
      if (modules_[i].path == path) return i;
    const int depth = modules_[place_of(outer_of(path))].depth + 1;
    modules_.push_back({.path = std::string(path), .depth = depth});
    return modules_.size() - 1;
  }
  ProfileModule& operator[](std::string_view path) { return modules_[place_of(path)]; }

  // Each after its outer one.
  std::vector<ProfileModule> ordered() const {
    std::vector<ProfileModule> all;
    add(modules_.front(), all);
    return all;
  }

 private:
  void add(const ProfileModule& module, std::vector<ProfileModule>& all) const {
    const std::size_t place = all.size();
    all.push_back(module);
    all[place].inclusive = module.own;
    for (const ProfileModule& part : modules_) {
      if (part.depth != module.depth + 1 || outer_of(part.path) != module.path) continue;
      const std::size_t first = all.size();
      add(part, all);
      all[place].inclusive += all[first].inclusive;
    }
  }

  std::vector<ProfileModule> modules_;
};

// Rows of a table, all figures but peak and held being means of a step.
class Writer {
 public:
  static constexpr std::size_t kFigures = 9;  // the last columns of every table

  explicit Writer(const Profile& profile)
      : steps_(profile.steps()),
        whole_(static_cast<double>(std::max<std::int64_t>(1, whole_time(profile).count()))) {}

  Table empty_table(ProfileBy by) const {
    Table table;
    if (by == ProfileBy::module)
      table.columns = {{"Module", TableContent::code}, {"Calls"}, {"Own time"}};
    else
      table.columns = {{by == ProfileBy::line ? "Line" : "Operation", TableContent::code}, {"Runs"}};
    for (const char* title : {"Time", "Share", "Forward", "Backward", "FLOP", "GFLOP/s", "New", "Peak", "Held"})
      table.columns.push_back({title});
    return table;
  }
  std::vector<TableCell> row(std::vector<TableCell> words, std::size_t columns, const ProfileRow& row,
                             std::chrono::nanoseconds besides = {}) const {
    words.resize(columns, "");
    const ProfileCost cost = row.both();
    const auto time = cost.time + besides;
    for (std::string figure :
         {written_time(time / steps_), written_share(static_cast<double>(time.count()) / whole_),
          mean(row.forward.time), mean(row.backward.time), written_flops(cost, steps_), written_speed(cost),
          bytes(cost.bytes / steps_), bytes(cost.peak), bytes(row.held)})
      words.push_back(std::move(figure));
    return words;
  }
  // Nothing for 0, so that what is there stands out.
  std::string mean(std::chrono::nanoseconds time) const {
    return time.count() == 0 ? "" : written_time(time / steps_);
  }
  std::string mean(std::int64_t count) const { return written_mean(count, steps_); }

 private:
  static std::string bytes(std::int64_t bytes) { return bytes == 0 ? "" : written_bytes(bytes); }

  std::int64_t steps_;
  double whole_;
};

void add_rows(Table& table, const Writer& writer, const std::vector<ProfileRow>& all, std::size_t most) {
  const std::size_t shown = most == 0 || all.size() <= most ? all.size() : most;
  const auto add = [&](const std::string& name, const ProfileRow& row) {
    const std::int64_t runs = std::max(row.forward.count, row.backward.count);
    table.rows.push_back(writer.row({name, writer.mean(runs)}, 2, row));
  };
  ProfileRow others;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < shown)
      add(all[i].name, all[i]);
    else
      others += all[i];
  }
  if (shown < all.size()) add(text(all.size() - shown, " others"), others);
}

void add_modules(Table& table, const Writer& writer, const std::vector<ProfileModule>& all, std::size_t most) {
  std::vector<std::int64_t> times;
  for (const ProfileModule& module : all) times.push_back(module.inclusive.both().time.count());
  std::sort(times.begin(), times.end(), std::greater<>());
  const std::int64_t least = most == 0 || times.size() <= most ? 0 : times[most - 1];
  for (const ProfileModule& module : all)
    if (module.inclusive.both().time.count() >= least)
      table.rows.push_back(writer.row({module.path.empty() ? "(outermost)" : module.path,
                                       writer.mean(module.calls), writer.mean(module.own.both().time)},
                                      3, module.inclusive));
}

}  // namespace

std::vector<ProfileRow> Profile::rows(ProfileBy by) const {
  std::map<std::string, ProfileRow> found;
  for (const ProfileEntry& entry : entries_) found[name_of(entry, by)] += entry;
  std::vector<ProfileRow> all;
  for (auto& [name, row] : found) {
    row.name = name;
    all.push_back(std::move(row));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.both().time > b.both().time; });
  return all;
}

std::vector<ProfileModule> Profile::modules() const {
  Tree tree;
  for (const auto& [path, calls] : calls_) tree[*path].calls = calls;
  for (const ProfileEntry& entry : entries_) tree[entry.module].own += entry;
  return tree.ordered();
}

ProfileRow Profile::inside() const {
  ProfileRow sum{.name = "all operations"};
  for (const ProfileEntry& entry : entries_) sum += entry;
  return sum;
}

Table Profile::table(ProfileBy by, std::size_t rows) const {
  const Writer writer(*this);
  Table table = writer.empty_table(by);
  if (by == ProfileBy::module)
    add_modules(table, writer, modules(), rows);
  else
    add_rows(table, writer, this->rows(by), rows);
  ProfileRow whole = inside();
  const std::size_t words = table.columns.size() - Writer::kFigures;
  ProfileRow besides = outside_;
  besides.forward.time = {};
  table.rows.push_back(writer.row({"outside"}, words, besides, outside_.forward.time));
  whole.held += outside_.held;
  whole.forward.peak = std::max(whole.forward.peak, outside_.forward.peak);
  table.rows.push_back(writer.row({"all"}, words, whole, outside_.forward.time));
  return table;
}

std::string written_flops(const ProfileCost& cost, std::int64_t steps) {
  if (cost.flops == 0) return cost.unknown > 0 ? "?" : "";
  const double n = static_cast<double>(cost.flops) / static_cast<double>(steps);
  if (n < 1e3) return short_number(n);
  if (n < 1e6) return text(short_number(n / 1e3), " k");
  return n < 1e9 ? text(short_number(n / 1e6), " M") : text(short_number(n / 1e9), " G");
}

std::string written_speed(const ProfileCost& cost) {
  if (cost.flops == 0 || cost.time.count() <= 0) return "";
  return short_number(static_cast<double>(cost.flops) / static_cast<double>(cost.time.count()));
}

std::string written_share(double share) { return plotting::fixed_number(100 * share, 1) + " %"; }

std::string written_mean(std::int64_t count, std::int64_t steps) {
  if (count % steps == 0) return grouped(count / steps);
  return short_number(static_cast<double>(count) / static_cast<double>(steps));
}

std::chrono::nanoseconds whole_time(const Profile& profile) {
  return profile.inside().both().time + profile.outside().forward.time;
}

double share_of_time(const Profile& profile, std::chrono::nanoseconds time) {
  const auto whole = whole_time(profile).count();
  return whole > 0 ? static_cast<double>(time.count()) / static_cast<double>(whole) : 0;
}

}  // namespace heed
