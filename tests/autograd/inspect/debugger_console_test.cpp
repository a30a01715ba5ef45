#include "autograd/inspect/debugger_console.h"

#include <functional>
#include <sstream>
#include <string>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

// What the console writes when it is told these commands, line by line.
template <class Run>
std::string session(const std::string& commands, Run run) {
  std::istringstream in(commands);
  std::ostringstream out;
  DebuggerConsole console(in, out, {.prompt = "> ", .echo = true});
  Debugger debugger(std::ref(console));
  run();
  return out.str();
}

constexpr int kLine = __LINE__ + 3;
void small_run() {
  const Var w = leaf({1, -2}, "layer.w");
  const Var y = tanh(w * constant({0.5, 0.25}));
  sum(y).backward();
}

// A transcript of that, in which @ stands for the line that multiplies and $ for the one that sums.
std::string expected(std::string transcript) {
  const auto put = [&](char mark, int line) {
    for (std::size_t at = 0; (at = transcript.find(mark, at)) != transcript.npos;)
      transcript.replace(at, 1, text("tests/autograd/inspect/debugger_console_test.cpp:", line));
  };
  put('@', kLine);
  put('$', kLine + 1);
  return transcript;
}

// The answer to one command at the step that `before` leads to.
std::string answer(const std::string& command, const std::string& before = "") {
  const std::string all = session(before + command + "\nleave\n", small_run);
  const std::size_t at = all.rfind("> " + command + "\n") + command.size() + 3;
  return all.substr(at, all.rfind("> leave") - at);
}

constexpr const char* kAtTanhBackward = "break tanh and backward\ncontinue\n";

TEST_CASE("console: a session from the first step to the last, as a transcript") {
  CHECK(session("step\nb tanh and backward\n\nc\nwhere\ns 2\nlist 3\nc\n", small_run) ==
        expected(R"(help lists the commands
step 1, forward: #1 multiply [2], @
  y = a * b
  a  [2]  [1, −2]      from parameter "layer.w"
  b  [2]  [0.5, 0.25]  from constant
  y  [2]  [0.5, −0.5]
> step
step 2, forward: #2 tanh [2], @
  y = tanh(x)
  x  [2]  [0.5, −0.5]        from #1 multiply
  y  [2]  [0.4621, −0.4621]
> b tanh and backward
breakpoint 1: tanh and backward
> 
breakpoint 1: tanh and backward
> c
breakpoint 1: tanh and backward
step 5, backward: #2 tanh [2], @
  dx = dy * (1 - y^2)
  dy  [2]  [1, 1]            arrived
  dx  [2]  [0.7864, 0.7864]  to #1 multiply
> where
in    no module
line  @
from  #3 sum [], $
      #2 tanh [2], @
> s 2
step 7, backward: the gradient of "layer.w" [2] is complete
  value  [2]  [1, −2]
  grad   [2]  [0.3932, 0.1966]
> list 3
  step 5, backward: #2 tanh [2], @
  step 6, backward: #1 multiply [2], @
> step 7, backward: the gradient of "layer.w" [2] is complete
> c
)"));
}

TEST_CASE("console: every way to name a value prints it") {
  for (const char* const command : {"print", "p y", "p #2", "p #2.0", "p tanh"})
    CHECK_THAT(answer(command, kAtTanhBackward), ContainsSubstring("[ 0.4621, -0.4621]"));
  for (const char* const command : {"p x", "p operand 0", "p #1", "p multiply"})
    CHECK_THAT(answer(command, kAtTanhBackward), ContainsSubstring("[ 0.5000, -0.5000]"));
  for (const char* const command : {"p grad", "p dy", "p grad #2", "p y.grad", "p grad y"})
    CHECK_THAT(answer(command, kAtTanhBackward), ContainsSubstring("[1.0000, 1.0000]"));
  for (const char* const command : {"p dx", "p grad operand 0", "p x.grad"})
    CHECK_THAT(answer(command, kAtTanhBackward), ContainsSubstring("[0.7864, 0.7864]"));
  CHECK_THAT(answer("p layer.w", kAtTanhBackward), ContainsSubstring("parameter \"layer.w\" [2]: [1, −2]"));
  CHECK_THAT(answer("p layer.w[1]", kAtTanhBackward), ContainsSubstring("parameter \"layer.w\" [1] []: −2"));
  CHECK_THAT(answer("p layer.w.grad", "b layer.w\nc\n"), ContainsSubstring("[0.3932, 0.1966]"));
  CHECK_THAT(answer("p", "b layer.w\nc\n"), ContainsSubstring("layer.w [2]: [1, −2]"));
}

TEST_CASE("console: what cannot be printed says why, and names what is near") {
  const auto first = [](const std::string& command) {
    const std::string all = answer(command);
    return all.substr(0, all.find('\n'));
  };
  CHECK(first("p layer.v") == "IndexError: print: nothing so far is called \"layer.v\"; did you mean layer.w?");
  CHECK(first("p zebra") == "IndexError: print: nothing so far is called \"zebra\"");
  CHECK(first("p #7") == "IndexError: print: there is no operation #7");
  CHECK(first("p #x") == "IndexError: print: \"#x\" is no operation");
  CHECK(first("p #1.3") == "IndexError: print: #1 multiply has no output 3");
  CHECK(first("p operand 2") == "IndexError: print: multiply has no \"operand 2\"");
  CHECK(first("p grad") == "IndexError: print: there is no gradient of #1 multiply so far");
  CHECK(first("p #1[0, 0]") == "IndexError: print: too many indices for #1 multiply");
  CHECK(first("p #1[9]").starts_with("IndexError: "));
  CHECK(first("p #1[a]") == "IndexError: print: \"a\" is no index");
}

TEST_CASE("console: an unknown command names the nearest, and no error ends the session") {
  const std::string all = session(
      "stpe\nzebra\nstep twice\nstep 0\nlist many\nnext 3\nd 4\nd\nb [2, x]\ninfo #9\ninfo zebra\nhelp "
      "zebra\n\xFF\x1b[2J\n"
      "print #1\n",
      small_run);
  INFO(all);
  for (const char* const part :
       {"ConfigError: there is no command \"stpe\"; did you mean step?\n", "there is no command \"zebra\"\n",
        "help lists the commands", "step takes a number of steps, got \"twice\"",
        "step takes a number of steps, got \"0\"", "list takes a number from 1 to 100",
        "next takes nothing, got \"3\"", "there is no breakpoint \"4\"", "there is no breakpoint \"\"",
        "breakpoint: \"[2, x]\" is not understood", "info: there is no operation #9",
        "info knows nothing of \"zebra\"", "#1 multiply [2]: [0.5, −0.5]\n",
        "end of input: the run goes on to its end\n"})
    CHECK_THAT(all, ContainsSubstring(part));
  CHECK(all.find('\x1b') == std::string::npos);
}

TEST_CASE("console: an empty line is the line before again, at first a step") {
  const auto count = [](const std::string& all, std::string_view part) {
    std::size_t n = 0;
    for (std::size_t at = all.find(part); at != all.npos; at = all.find(part, at + 1)) ++n;
    return n;
  };
  CHECK(count(session("\n\n", small_run), "\nstep ") == 3);
  CHECK(count(session("print\n\n\n", small_run), "f64 [2]\n") == 3);
}

TEST_CASE("console: steps by the number end at a breakpoint; breakpoints are listed and taken away") {
  CHECK(session("b sum\nb [*]\nb\nd 2\ns 5\nd all\ns 2\n", small_run) == expected(R"(help lists the commands
step 1, forward: #1 multiply [2], @
  y = a * b
  a  [2]  [1, −2]      from parameter "layer.w"
  b  [2]  [0.5, 0.25]  from constant
  y  [2]  [0.5, −0.5]
> b sum
breakpoint 1: sum
> b [*]
breakpoint 2: [*]
> b
breakpoint 1: sum
breakpoint 2: [*]
> d 2
breakpoint 1: sum
> s 5
breakpoint 1: sum
step 3, forward: #3 sum [], $
  y = sum(x)
  x  [2]  [0.4621, −0.4621]  from #2 tanh
  y  []   0
> d all
no breakpoints
> s 2
step 5, backward: #2 tanh [2], @
  dx = dy * (1 - y^2)
  dy  [2]  [1, 1]            arrived
  dx  [2]  [0.7864, 0.7864]  to #1 multiply
> 
end of input: the run goes on to its end
)"));
}

TEST_CASE("console: names, operations, maps and help are there to be asked for") {
  CHECK_THAT(answer("info names"), ContainsSubstring("  layer.w\n"));
  CHECK_THAT(answer("info #1", kAtTanhBackward), ContainsSubstring("#1 multiply [2], tests/"));
  CHECK_THAT(answer("info #2", kAtTanhBackward), ContainsSubstring("dx = dy * (1 - y^2)"));
  CHECK_THAT(answer("info breakpoints", kAtTanhBackward),
             ContainsSubstring("breakpoint 1: tanh and backward\n"));
  CHECK(answer("info", kAtTanhBackward).starts_with("step 5, backward: #2 tanh [2], tests/"));
  CHECK_THAT(answer("map"), ContainsSubstring("0.5"));
  CHECK_THAT(answer("help"), ContainsSubstring("  quit "));
  CHECK_THAT(answer("help b"), ContainsSubstring("break [WHAT]: stop where something holds"));
}

TEST_CASE("console: quit stops the run, at the end of the input it goes on") {
  CHECK_THROWS_AS(session("s\nq\n", small_run), DebuggerQuit);
  CHECK_THROWS_AS(session("b tanh and backward\nc\nq\n", small_run), DebuggerQuit);
  CHECK_THAT(session("", small_run), ContainsSubstring("end of input: the run goes on to its end\n"));
  const Var w = leaf({1, 2}, "w");
  session("s\ns", [&] { sum(w * 3).backward(); });
  CHECK(w.grad().value().to_vector() == Numbers{3, 3});
}

}  // namespace
}  // namespace heed::tests
