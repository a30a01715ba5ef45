#include "autograd/inspect/debugger_console.h"

#include <algorithm>
#include <istream>
#include <ostream>
#include <set>

#include "autograd/inspect/debugger_text.h"
#include "autograd/inspect/reading.h"
#include "autograd/inspect/value_grid.h"
#include "core/plot.h"
#include "core/print.h"
#include "core/utf8.h"
#include "core/value_text.h"
#include "core/words.h"

namespace heed {

using debugging::number_in;
using debugging::trimmed;

namespace {

constexpr std::size_t kListed = 8, kMostListed = 100;
constexpr std::int64_t kMapRows = 24, kMapColumns = 48;

std::vector<std::string> numbers(std::int64_t count, std::int64_t step) {
  std::vector<std::string> labels;
  for (std::int64_t i = 0; i < count; ++i) labels.push_back(text(i * step));
  return labels;
}

std::string written(const std::map<int, Breakpoint>& breakpoints) {
  if (breakpoints.empty()) return "no breakpoints\n";
  std::string out;
  for (const auto& [number, breakpoint] : breakpoints)
    out += text("breakpoint ", number, ": ", one_line(to_string(breakpoint)), "\n");
  return out;
}

std::string names_of(const Trace& trace) {
  std::set<std::string> names;
  for (const TracedValue& value : trace.values())
    if (!value.name.empty()) names.insert(one_line(value.name));
  for (const TracedNote& note : trace.notes())
    names.insert(one_line(note.module.empty() ? note.name : text(note.module, ".", note.name)));
  std::string out;
  for (const std::string& name : names) out += text("  ", name, "\n");
  return out.empty() ? "nothing has a name so far\n" : out;
}

}  // namespace

// `act` is null for what is no more than an answer.
struct DebuggerConsole::Command {
  std::string_view name, takes, help;
  Answer (DebuggerConsole::*act)(std::string_view rest, Stop& stop) = nullptr;
  Go go = Go::step;
};

namespace {

constexpr std::string_view kBreakHelp =
    "stop where something holds; without it, list the breakpoints\n"
    "    break tanh                  an operation, or what has that name; * stands for any characters\n"
    "    break module decoder.*      a module begins, or backwards the gradient comes into it\n"
    "    break [2, *, 8]             a shape; [..., 8] is any that ends so\n"
    "    break extent 256            an axis of that size\n"
    "    break nan, break inf        where one arises, in a value or a gradient\n"
    "    break norm > 5              a gradient that is larger\n"
    "    break seq2seq.cpp:120       a line\n"
    "    break tanh and [4, 8] and backward";

constexpr std::string_view kPrintHelp =
    "the elements of a value\n"
    "    print                       the output of this step\n"
    "    print x, print dy           as in the formula\n"
    "    print operand 1             an operand, from 0\n"
    "    print #12, print #12[0, 3]  the output of an operation, or a part of it\n"
    "    print decoder.out.weight    what has that name: info names lists them\n"
    "    print grad, print grad #12, print decoder.out.weight.grad\n"
    "                                its gradient";

}  // namespace

std::span<const DebuggerConsole::Command> DebuggerConsole::commands() {
  using Self = DebuggerConsole;
  static const Command kCommands[] = {
      {"step", "[COUNT]", "go on to the next step, or so many steps", &Self::step},
      {"next", "", "go on to the next step that is not in a part of this module", nullptr, Go::next},
      {"finish", "", "go on until this module is over; outside of modules, until the pass is", nullptr,
       Go::finish},
      {"continue", "", "go on to the next breakpoint", nullptr, Go::run_on},
      {"break", "[WHAT]", kBreakHelp, &Self::set_break},
      {"delete", "NUMBER | all", "take a breakpoint away", &Self::remove},
      {"print", "[VALUE]", kPrintHelp, &Self::print},
      {"map", "[VALUE]", "the value as a map, the larger the darker", &Self::map},
      {"where", "", "the module, the line, and the operations that led here", &Self::where},
      {"list", "[COUNT]", "the latest steps", &Self::list},
      {"info", "[#NUMBER | breakpoints | names]",
       "this step again, an operation, the breakpoints, or what has a name", &Self::info},
      {"help", "[COMMAND]", "what commands there are", &Self::help},
      {"leave", "", "let the run go on to its end without stops", nullptr, Go::leave},
      {"quit", "", "stop the run", nullptr, Go::quit}};
  return kCommands;
}

const DebuggerConsole::Command& DebuggerConsole::command_of(std::string_view word) {
  std::vector<std::string> names;
  const Command* found = nullptr;
  for (const Command& command : commands()) {
    names.emplace_back(command.name);
    if (command.name == word) return command;
    if (!word.empty() && command.name.starts_with(word) && found == nullptr) found = &command;
  }
  if (found != nullptr) return *found;
  const std::string near = nearest_word(word, names);
  throw ConfigError({.what = text("there is no command ", in_quotes(word),
                                  near.empty() ? "" : text("; did you mean ", near, "?")),
                     .hint = near.empty() ? "help lists the commands" : ""});
}

Go DebuggerConsole::operator()(const DebugStep& step, Debugger& debugger) {
  if (steps_to_go_ > 0 && step.breakpoints.empty()) {
    --steps_to_go_;
    return Go::step;
  }
  steps_to_go_ = 0;
  if (!std::exchange(greeted_, true)) out_ << "help lists the commands\n";
  for (const int number : step.breakpoints)
    out_ << "breakpoint " << number << ": " << one_line(to_string(debugger.breakpoints().at(number))) << "\n";
  out_ << written_step(step, debugger);
  Stop stop{step, debugger};
  for (std::string line;;) {
    out_ << options_.prompt << std::flush;
    if (!std::getline(in_, line)) {
      out_ << "\nend of input: the run goes on to its end\n";
      return Go::leave;
    }
    if (options_.echo) out_ << one_line(trimmed(line)) << "\n";
    try {
      if (const Answer answer = obey(line, stop)) return *answer;
    } catch (const Error& error) {
      out_ << error.what() << "\n";
    }
  }
}

DebuggerConsole::Answer DebuggerConsole::obey(const std::string& line, Stop& stop) {
  if (!trimmed(line).empty()) latest_ = trimmed(line);
  const std::string_view written = latest_;
  const std::size_t end = std::min(written.find(' '), written.size());
  const Command& command = command_of(written.substr(0, end));
  const std::string_view rest = trimmed(written.substr(end));
  if (command.act != nullptr) return (this->*command.act)(rest, stop);
  if (!rest.empty()) throw ConfigError({.what = text(command.name, " takes nothing, got ", in_quotes(rest))});
  return command.go;
}

DebuggerConsole::Answer DebuggerConsole::step(std::string_view rest, Stop&) {
  const auto count = rest.empty() ? std::optional<std::size_t>(1) : number_in<std::size_t>(rest);
  if (!count || *count == 0)
    throw ConfigError({.what = text("step takes a number of steps, got ", in_quotes(rest))});
  steps_to_go_ = *count - 1;
  return Go::step;
}

DebuggerConsole::Answer DebuggerConsole::set_break(std::string_view rest, Stop& stop) {
  if (rest.empty()) {
    out_ << written(stop.debugger.breakpoints());
    return {};
  }
  const Breakpoint wanted = parse_breakpoint(rest);
  const auto& all = stop.debugger.breakpoints();
  const auto same = std::find_if(all.begin(), all.end(),
                                 [&](const auto& each) { return to_string(each.second) == to_string(wanted); });
  const int number = same == all.end() ? stop.debugger.add(wanted) : same->first;
  out_ << "breakpoint " << number << ": " << one_line(to_string(stop.debugger.breakpoints().at(number)))
       << "\n";
  return {};
}

DebuggerConsole::Answer DebuggerConsole::remove(std::string_view rest, Stop& stop) {
  if (rest == "all") {
    stop.debugger.clear();
  } else if (const auto number = number_in<int>(rest); !number || !stop.debugger.remove(*number)) {
    throw ConfigError({.what = text("there is no breakpoint ", in_quotes(rest)),
                       .expected = "the number of one, or all",
                       .hint = "break lists them"});
  }
  out_ << written(stop.debugger.breakpoints());
  return {};
}

DebuggerConsole::Answer DebuggerConsole::print(std::string_view rest, Stop& stop) {
  const auto [name, value] = find_value(rest, stop.step, stop.debugger);
  out_ << name << " " << to_string(value.shape()) << ": " << written_summary(value) << "\n"
       << to_string(value) << "\n";
  return {};
}

DebuggerConsole::Answer DebuggerConsole::map(std::string_view rest, Stop& stop) {
  const auto [name, value] = find_value(rest, stop.step, stop.debugger);
  const ValueGrid grid = grid_of(value, kMapRows, kMapColumns);
  if (grid.cells.empty()) throw ShapeError({.what = text("map: ", name, " has no elements")});
  out_ << name << " " << to_string(value.shape()) << ": " << written_summary(value) << "\n";
  if (grid.is_thinned())
    out_ << "each cell stands for " << grid.block_rows << " x " << grid.block_columns
         << " elements and shows the one farthest from 0\n";
  out_ << terminal_heat_map(grid.cells, numbers(grid.rows, grid.block_rows),
                            numbers(grid.columns, grid.block_columns), {.color = options_.color});
  return {};
}

DebuggerConsole::Answer DebuggerConsole::where(std::string_view, Stop& stop) {
  out_ << written_where(stop.step, stop.debugger);
  return {};
}

DebuggerConsole::Answer DebuggerConsole::list(std::string_view rest, Stop& stop) {
  const auto count = rest.empty() ? std::optional<std::size_t>(kListed) : number_in<std::size_t>(rest);
  if (!count || *count == 0 || *count > kMostListed)
    throw ConfigError({.what = text("list takes a number from 1 to ", kMostListed, ", got ", in_quotes(rest))});
  const auto& recent = stop.debugger.recent();
  for (std::size_t i = recent.size() - std::min(recent.size(), *count); i < recent.size(); ++i)
    out_ << (i + 1 == recent.size() ? "> " : "  ") << headline(recent[i]) << "\n";
  return {};
}

DebuggerConsole::Answer DebuggerConsole::info(std::string_view rest, Stop& stop) {
  if (rest.empty()) {
    out_ << written_step(stop.step, stop.debugger);
  } else if (rest.starts_with('#')) {
    out_ << written_operation(number_in<std::size_t>(rest.substr(1)).value_or(0), stop.debugger);
  } else if (std::string_view("breakpoints").starts_with(rest)) {
    out_ << written(stop.debugger.breakpoints());
  } else if (std::string_view("names").starts_with(rest)) {
    out_ << names_of(stop.debugger.trace());
  } else {
    throw ConfigError({.what = text("info knows nothing of ", in_quotes(rest)),
                       .expected = "an operation as #12, breakpoints, or names"});
  }
  return {};
}

DebuggerConsole::Answer DebuggerConsole::help(std::string_view rest, Stop&) {
  if (!rest.empty()) {
    const Command& command = command_of(rest);
    out_ << command.name << (command.takes.empty() ? "" : " ") << command.takes << ": " << command.help << "\n";
    return {};
  }
  for (const Command& command : commands()) {
    const std::string usage = text(command.name, command.takes.empty() ? "" : " ", command.takes);
    const std::string gap(usage.size() < 38 ? 38 - usage.size() : 2, ' ');
    out_ << "  " << usage << gap << command.help.substr(0, command.help.find('\n')) << "\n";
  }
  out_ << "The first letters are enough; an empty line is the line before again. help break says where it can "
          "stop,\nhelp print what can be printed.\n";
  return {};
}

}  // namespace heed
