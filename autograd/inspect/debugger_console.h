// The debugger's console: commands read from a stream, answers written to another.
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "autograd/inspect/debugger.h"

namespace heed {

struct ConsoleOptions {
  std::string prompt = "(heed) ";
  bool echo = false;   ///< write each command behind the prompt, when it comes from a file
  bool color = false;  ///< in maps of values
};

/// Asks a person, or a file of commands, how a Debugger is to go on:
///
///   DebuggerConsole console(std::cin, std::cout);
///   Debugger debugger(std::ref(console));
///   loss_of(model, batch).backward();
///
///   step 1, forward: #1 embedding [2, 4, 8] in encoder.embedding, layers/embedding.cpp:21
///     y = table[ids]
///     table  [12, 8]    −0.31 … 0.28, mean 0.001, deviation 0.1  from parameter "encoder.embedding.weight"
///     y      [2, 4, 8]  −0.31 … 0.28, mean 0.01, deviation 0.1
///   (heed) break nan
///
/// `help` lists the commands. Each goes by its first letter, too, or as much of it as tells it from others; an
/// empty line is the line before again. A command that is not understood says so, and the session goes on. At
/// the end of the input the run goes on without stops. The streams must outlive the console.
class DebuggerConsole {
 public:
  DebuggerConsole(std::istream& in, std::ostream& out, ConsoleOptions options = {})
      : in_(in), out_(out), options_(std::move(options)) {}

  Go operator()(const DebugStep& step, Debugger& debugger);

 private:
  struct Command;
  struct Stop {
    const DebugStep& step;
    Debugger& debugger;
  };
  using Answer = std::optional<Go>;  // none: ask again

  static std::span<const Command> commands();
  static const Command& command_of(std::string_view word);
  Answer obey(const std::string& line, Stop& stop);
  Answer step(std::string_view rest, Stop& stop);
  Answer set_break(std::string_view rest, Stop& stop);
  Answer remove(std::string_view rest, Stop& stop);
  Answer print(std::string_view rest, Stop& stop);
  Answer map(std::string_view rest, Stop& stop);
  Answer where(std::string_view rest, Stop& stop);
  Answer list(std::string_view rest, Stop& stop);
  Answer info(std::string_view rest, Stop& stop);
  Answer help(std::string_view rest, Stop& stop);

  std::istream& in_;
  std::ostream& out_;
  ConsoleOptions options_;
  std::string latest_ = "step";
  std::size_t steps_to_go_ = 0;  // without asking
  bool greeted_ = false;
};

}  // namespace heed
