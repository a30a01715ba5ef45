#include "layers/inspect/intermediates.h"

#include <algorithm>

#include "core/plot.h"

namespace heed {
namespace {

std::string joined(const std::string& module, std::string_view name) {
  return module.empty() ? std::string(name) : text(module, ".", name);
}

// The paths at the place where `path` leaves those that there are: what may stand there.
std::string near(std::string_view path, const std::vector<std::string>& all) {
  std::string_view known = path;
  const auto begins = [&](const std::string& other) {
    return known.empty() || other.starts_with(text(known, "."));
  };
  while (!known.empty() && std::none_of(all.begin(), all.end(), begins))
    known = known.substr(0, known.find('.') == std::string_view::npos ? 0 : known.rfind('.'));
  std::set<std::string> next;
  for (const std::string& other : all)
    if (begins(other)) {
      const std::size_t from = known.empty() ? 0 : known.size() + 1;
      next.insert(other.substr(from, other.find('.', from) - from));
    }
  std::string out = known.empty() ? "" : text("\"", known, ".\" and ");
  const char* separator = "one of ";
  for (const std::string& part : next) append(out, text(std::exchange(separator, ", "), part));
  return out;
}

}  // namespace

// ---- recording

Intermediates::Recorder::Recorder(const Module& model) : outermost_(model.path().empty()) {
  for (const Module* const module : model.modules()) modules_.insert(module);
}

// Whether the model is running, or, when it is no part of another, no module at all.
bool Intermediates::Recorder::belongs() const {
  if (ErrorFrame::any_running([&](const void* module) { return modules_.contains(module); })) return true;
  return outermost_ && !ErrorFrame::any_running([](const void*) { return true; });
}

void Intermediates::Recorder::recorded(const Recorded& operation) {
  if (belongs()) Trace::recorded(operation);
}

void Intermediates::Recorder::noted(const Var& var, std::string_view name) {
  const bool is_parameter = var.defined() && var.is_leaf() && var.requires_grad();  // it has a path of its own
  if (!is_parameter && belongs()) Trace::noted(var, name);
}

Intermediates::Intermediates(const Module& model) : model_(&model), recorder_(model) {}

// ---- names

// Counts of equal names go on from operations to notes, so that no two are the same.
Intermediates::Named Intermediates::named() const {
  const Trace& trace = recorder_;
  Named named;
  named.names_of.resize(trace.values().size());
  std::map<std::string, int> counts;
  const auto give = [&](std::size_t place, const std::string& path, const std::string& suffix = {}) {
    const int count = ++counts[path];
    std::string name = text(path, count > 1 ? text("#", count) : "", suffix);
    named.place_of.emplace(name, place);
    named.names_of[place].push_back(std::move(name));
  };
  for (const Var& parameter : model_->parameters())
    if (trace.has_seen(parameter)) give(trace.place_of(parameter), parameter.name());
  for (const TracedOperation& operation : trace.operations()) {
    const std::string path = joined(operation.module, operation.name);
    for (std::size_t i = 0; i < operation.outputs.size(); ++i) {
      if (i > 0) --counts[path];
      give(operation.outputs[i], path, operation.outputs.size() > 1 ? text("[", i, "]") : "");
    }
  }
  for (const TracedNote& note : trace.notes()) give(note.value, joined(note.module, note.name));
  return named;
}

Intermediate Intermediates::at(std::size_t place, std::string path) const {
  const TracedValue& value = recorder_.values()[place];
  const TracedOperation* const operation = recorder_.operation_of(value);
  return {.path = std::move(path),
          .operation = value.kind,
          .at = operation == nullptr ? SourceLocation::unknown() : operation->at,
          .value = value.value,
          .gradient = value.gradient};
}

Intermediate Intermediates::operator[](std::string_view path) const {
  const Named names = named();
  const auto found = names.place_of.find(path);
  if (found != names.place_of.end()) return at(found->second, found->first);
  if (names.place_of.empty())
    throw ConfigError({.what = text("intermediates: \"", path, "\" is not there, and nothing else"),
                       .expected = text("that ", model_->description(), " runs while they are recorded")});
  std::vector<std::string> all;
  for (const auto& [name, place] : names.place_of) all.push_back(name);
  throw ConfigError(
      {.what = text("intermediates: nothing is called \"", path, "\""), .expected = near(path, all)});
}

std::vector<Intermediate> Intermediates::find(std::string_view pattern) const {
  const Named names = named();
  std::vector<Intermediate> found;
  for (std::size_t place = 0; place < names.names_of.size(); ++place) {
    const std::vector<std::string>& its = names.names_of[place];
    const auto name =
        std::find_if(its.rbegin(), its.rend(), [&](const auto& path) { return path_matches(pattern, path); });
    if (name != its.rend()) found.push_back(at(place, *name));
  }
  return found;
}

std::vector<std::string> Intermediates::paths(std::string_view pattern) const {
  std::vector<std::string> paths;
  for (Intermediate& each : find(pattern)) paths.push_back(std::move(each.path));
  return paths;
}

bool path_matches(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern.starts_with("**")) {
    const std::string_view rest = pattern.substr(2);
    // "**.weights" is also "weights" itself.
    if (rest.starts_with('.') && path_matches(rest.substr(1), path)) return true;
    for (std::size_t skip = 0; skip <= path.size(); ++skip)
      if (path_matches(rest, path.substr(skip))) return true;
    return false;
  }
  if (pattern.starts_with('*')) {
    for (std::size_t skip = 0; skip <= path.size(); ++skip) {
      if (path_matches(pattern.substr(1), path.substr(skip))) return true;
      if (skip < path.size() && path[skip] == '.') break;
    }
    return false;
  }
  return !path.empty() && pattern.front() == path.front() && path_matches(pattern.substr(1), path.substr(1));
}

// ---- table

Table table_of(const std::vector<Intermediate>& intermediates) {
  Table table{.caption = "What was computed, with the statistics of values and of gradients",
              .columns = {{"path", TableContent::code},
                          {"operation", TableContent::code},
                          {"shape", TableContent::code},
                          {"norm"},
                          {"mean"},
                          {"deviation"},
                          {"min"},
                          {"max"},
                          {"zero"},
                          {"NaN"},
                          {"∞"},
                          {"gradient: norm"},
                          {"largest"},
                          {"zero"}}};
  const auto share = [](double part) { return text(short_number(100 * part), " %"); };
  const auto bad = [](std::int64_t n) { return TableCell(text(n), n > 0 ? Tone::bad : Tone::plain); };
  for (const Intermediate& each : intermediates) {
    const Statistics value = statistics_of(each.value);
    std::vector<TableCell> row{each.path,
                               each.operation,
                               text(each.value.shape()),
                               short_number(value.norm),
                               short_number(value.mean),
                               short_number(value.deviation),
                               short_number(value.min),
                               short_number(value.max),
                               share(value.zero_share()),
                               bad(value.nan),
                               bad(value.infinite())};
    const Statistics gradient = statistics_of(each.gradient);
    if (!each.gradient.defined())
      row.insert(row.end(), {"–", "–", "–"});
    else if (gradient.all_finite())
      row.insert(row.end(), {short_number(gradient.norm), short_number(std::max(-gradient.min, gradient.max)),
                             share(gradient.zero_share())});
    else
      row.insert(row.end(), {TableCell(gradient.nan > 0 ? "NaN" : "∞", Tone::bad), "–", "–"});
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace heed
