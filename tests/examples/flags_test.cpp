#include "examples/common/flags.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <new>
#include <stdexcept>

#include "core/error.h"
#include "tests/catch.h"

using namespace heed;
using namespace heed::programs;
using heed::tests::ContainsSubstring;

namespace {

struct Config {
  std::int64_t epochs = 10;
  std::uint64_t seed = 7;
  double learning_rate = 1e-3;
  double dropout = 0;
  bool reverse = true;
  bool quiet = false;
  std::string model = "attention";
  std::string name = "run";
  std::optional<std::string> save{};
  std::vector<std::string> draw{"loss", "norm"};
};

Flags flags_of(Config& config) {
  Flags flags("date_conversion", "Trains a model to write dates in one form.");
  flags.add("epochs", &config.epochs, "passes over the data", at_least(1));
  flags.add("seed", &config.seed, "where the random numbers begin");
  flags.add("learning-rate", &config.learning_rate, "step size of Adam", above(0));
  flags.add("dropout", &config.dropout, "share of units dropped", between(0, 0.9));
  flags.add("reverse", &config.reverse, "reads the source backwards");
  flags.add("quiet", &config.quiet, "prints no progress");
  flags.choice("model", &config.model, {"seq2seq", "peeky", "attention"}, "which model to train");
  flags.add("name", &config.name, "name of the run");
  flags.add("save", &config.save, "file for the weights");
  flags.choices("draw", &config.draw, {"loss", "norm"}, "which curves to draw");
  return flags;
}

bool parse(Config& config, std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "date_conversion");
  Flags flags = flags_of(config);
  return flags.parse(static_cast<int>(arguments.size()), arguments.data());
}

// The message of the error, without its kind.
std::string complaint(std::vector<const char*> arguments) {
  Config config;
  try {
    parse(config, std::move(arguments));
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    REQUIRE(message.starts_with("ConfigError: "));
    return message.substr(13);
  }
  return "no error";
}

// What a file descriptor receives while `action` runs.
template <class Action>
std::string captured(int descriptor, std::FILE* stream, Action action) {
  std::fflush(stream);
  std::FILE* file = std::tmpfile();
  const int kept = dup(descriptor);
  dup2(fileno(file), descriptor);
  action();
  std::fflush(stream);
  dup2(kept, descriptor);
  close(kept);
  std::rewind(file);
  std::string out;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) out += static_cast<char>(c);
  std::fclose(file);
  return out;
}

}  // namespace

TEST_CASE("flags: each type is set in both spellings") {
  Config config;
  REQUIRE(parse(config, {"--epochs=3", "--seed", "18446744073709551615", "--learning-rate", "2.5e-4",
                         "--dropout=+0.1", "--no-reverse", "--quiet", "--model", "peeky", "--name=", "--save",
                         "-weights.bin", "--draw=norm"}));
  CHECK(config.epochs == 3);
  CHECK(config.seed == 18446744073709551615u);
  CHECK(config.learning_rate == 2.5e-4);
  CHECK(config.dropout == 0.1);
  CHECK_FALSE(config.reverse);
  CHECK(config.quiet);
  CHECK(config.model == "peeky");
  CHECK(config.name.empty());
  CHECK(config.save == "-weights.bin");
  CHECK(config.draw == std::vector<std::string>{"norm"});
}

TEST_CASE("flags: without arguments the defaults stay") {
  Config config;
  REQUIRE(parse(config, {}));
  CHECK(config.epochs == 10);
  CHECK(config.reverse);
  CHECK_FALSE(config.save.has_value());
}

TEST_CASE("flags: a switch takes a word only behind =") {
  Config config;
  REQUIRE(parse(config, {"--reverse=false", "--quiet=on"}));
  CHECK_FALSE(config.reverse);
  CHECK(config.quiet);
  CHECK(complaint({"--reverse", "false"}) == "unexpected argument \"false\"\n  hint: write --reverse=false");
  CHECK(complaint({"--reverse=maybe"}) == "--reverse takes true or false, got \"maybe\"");
  CHECK(complaint({"--no-reverse=true"}) == "--no-reverse takes no value, got \"true\"");
}

TEST_CASE("flags: a negative number is a value, not a flag") {
  Config config;
  std::int64_t shift = 0;
  Flags flags("p", "s");
  flags.add("shift", &shift, "h");
  const char* arguments[] = {"p", "--shift", "-3"};
  REQUIRE(flags.parse(3, arguments));
  CHECK(shift == -3);
}

TEST_CASE("flags: an unknown flag is answered with the nearest name") {
  CHECK(complaint({"--epoch=3"}) == "unknown flag --epoch; did you mean --epochs?");
  CHECK(complaint({"--epcohs", "3"}) == "unknown flag --epcohs; did you mean --epochs?");
  CHECK(complaint({"--ep\xff"}).starts_with("unknown flag "));
  CHECK(complaint({"-epochs"}) == "unknown flag -epochs; did you mean --epochs?");
  CHECK(complaint({"--learn=1"}) == "unknown flag --learn; did you mean --learning-rate?");
  CHECK(complaint({"--learning_rate=1"}) == "unknown flag --learning_rate; did you mean --learning-rate?");
  CHECK(complaint({"--no-revers"}) == "unknown flag --no-revers; did you mean --no-reverse?");
  CHECK(complaint({"--bananas"}) == "unknown flag --bananas\n  hint: date_conversion --help lists the flags");
  CHECK(complaint({"--no-epochs"}).starts_with("unknown flag --no-epochs"));
  CHECK(complaint({"--"}).starts_with("unknown flag --\n"));
}

TEST_CASE("flags: a missing value is named") {
  CHECK(complaint({"--epochs"}) == "--epochs needs a value: --epochs=value");
  CHECK(complaint({"--epochs", "--quiet"}) == "--epochs needs a value: --epochs=value");
  CHECK(complaint({"--save="}) == "--save is given an empty value");
  CHECK(complaint({"--epochs="}) == "--epochs takes a whole number, got \"\"");
}

TEST_CASE("flags: what is no number is refused whole") {
  CHECK(complaint({"--epochs=ten"}) == "--epochs takes a whole number, got \"ten\"");
  CHECK(complaint({"--epochs=10x"}) == "--epochs takes a whole number, got \"10x\": \"x\" is left over");
  CHECK(complaint({"--epochs=1.5"}) == "--epochs takes a whole number, got \"1.5\": \".5\" is left over");
  CHECK(complaint({"--epochs= 3"}) == "--epochs takes a whole number, got \" 3\"");
  CHECK(complaint({"--epochs=+-3"}) == "--epochs takes a whole number, got \"+-3\"");
  CHECK(complaint({"--seed=-1"}) == "--seed takes a whole number that is not negative, got \"-1\"");
  CHECK(complaint({"--learning-rate=1e-3s"}) ==
        "--learning-rate takes a number, got \"1e-3s\": \"s\" is left over");
  CHECK(complaint({"--learning-rate=nan"}) == "--learning-rate takes a finite number, got \"nan\"");
  CHECK(complaint({"--learning-rate=inf"}) == "--learning-rate takes a finite number, got \"inf\"");
}

TEST_CASE("flags: a number out of range is told with the range") {
  CHECK(complaint({"--epochs=0"}) == "--epochs is 0, must be at least 1");
  CHECK(complaint({"--learning-rate=0"}) == "--learning-rate is 0, must be above 0");
  CHECK(complaint({"--dropout=1"}) == "--dropout is 1, must be from 0 to 0.9");
  CHECK(complaint({"--epochs=99999999999999999999"}) ==
        "--epochs is 99999999999999999999, which is beyond the numbers that can be held");
  CHECK(complaint({"--learning-rate=1e999"}).starts_with("--learning-rate is 1e999, which is beyond"));
}

TEST_CASE("flags: a word outside a choice is told with the choice") {
  CHECK(complaint({"--model=atention"}) ==
        "--model takes one of seq2seq, peeky, attention; got \"atention\", did you mean attention?");
  CHECK(complaint({"--model=rnn"}) == "--model takes one of seq2seq, peeky, attention; got \"rnn\"");
}

TEST_CASE("flags: some of several words are taken in the order given, each once") {
  Config config;
  REQUIRE(parse(config, {"--draw", "norm,loss"}));
  CHECK(config.draw == std::vector<std::string>{"norm", "loss"});
  CHECK(complaint({"--draw=loss,nrom"}) == "--draw takes some of loss, norm; got \"nrom\", did you mean norm?");
  CHECK(complaint({"--draw=loss,loss"}) == "--draw names loss twice");
  for (const char* const empty : {"--draw=", "--draw=,loss", "--draw=loss,"})
    CHECK(complaint({empty}) == "--draw takes some of loss, norm; got \"\"");
}

TEST_CASE("flags: given twice and stray arguments are refused") {
  CHECK(complaint({"--epochs=3", "--epochs", "5"}) == "--epochs is given twice, as \"3\" and as \"5\"");
  CHECK(complaint({"--quiet", "--no-quiet"}) == "--quiet is given twice, as \"true\" and as \"false\"");
  CHECK(complaint({"train"}) == "unexpected argument \"train\"\n  hint: a flag is written --name=value");
  CHECK(complaint({""}).starts_with("unexpected argument \"\""));
}

TEST_CASE("flags: after an error no variable has changed") {
  Config config;
  CHECK_THROWS_AS(parse(config, {"--epochs=3", "--bananas"}), ConfigError);
  CHECK(config.epochs == 10);
}

TEST_CASE("flags: help is aligned and shows defaults, ranges and choices") {
  Config config;
  const std::string help = flags_of(config).help();
  INFO(help);
  CHECK_THAT(help,
             ContainsSubstring(
                 "Trains a model to write dates in one form.\n\nusage: date_conversion [--name=value …]\n"));
  CHECK_THAT(help, ContainsSubstring("\n  --epochs=N         passes over the data (default 10, at least 1)\n"));
  CHECK_THAT(help, ContainsSubstring("\n  --learning-rate=N  step size of Adam (default 0.001, above 0)\n"));
  CHECK_THAT(
      help, ContainsSubstring(
                "\n  --reverse          reads the source backwards (default on; --no-reverse turns it off)\n"));
  CHECK_THAT(help, ContainsSubstring("which model to train: seq2seq, peeky, attention (default attention)"));
  CHECK_THAT(help, ContainsSubstring("\n  --save=TEXT        file for the weights (default none)\n"));
  CHECK_THAT(help,
             ContainsSubstring("\n  --draw=WORD,WORD   which curves to draw: loss, norm (default all)\n"));
  config.draw.pop_back();
  CHECK_THAT(flags_of(config).help(), ContainsSubstring("which curves to draw: loss, norm (default loss)\n"));
  CHECK_THAT(help, ContainsSubstring("\n  --help             shows this text\n"));
}

TEST_CASE("flags: --help prints the help and sets nothing") {
  Config config;
  bool go_on = true;
  const std::string printed = captured(STDOUT_FILENO, stdout, [&] {
    go_on = parse(config, {"--epochs=3", "--help"});
  });
  CHECK_FALSE(go_on);
  CHECK(config.epochs == 10);
  CHECK(printed == flags_of(config).help());
}

TEST_CASE("flags: a declaration that cannot work is refused") {
  Config config;
  Flags flags = flags_of(config);
  CHECK_THROWS_AS(flags.add("epochs", &config.epochs, "again"), ConfigError);
  CHECK_THROWS_AS(flags.add("help", &config.quiet, "taken"), ConfigError);
  CHECK_THROWS_AS(flags.add("--dashes", &config.quiet, "no name"), ConfigError);
  CHECK_THROWS_AS(flags.add("", &config.quiet, "no name"), ConfigError);
}

TEST_CASE("flags: what is remembered, set again in another program, gives the same values") {
  struct Settings {
    std::int64_t count = 3;
    double rate = 0.1;
    bool on = false;
    std::string word = "a", path = "here";
    std::optional<std::string> text{};
    std::vector<std::string> some{"a"};
    Flags flags{"program", "Does something."};
    Settings() {
      flags.add("count", &count, "how many", at_least(1));
      flags.add("rate", &rate, "how fast");
      flags.add("on", &on, "whether");
      flags.choice("word", &word, {"a", "b"}, "which");
      flags.choices("some", &some, {"a", "b"}, "which of them");
      flags.add("path", &path, "where");
      flags.add("text", &text, "what");
      flags.do_not_remember({"path", "text"});
    }
  } given, other;
  const char* const arguments[] = {"program",  "--count=7",  "--rate=3e-05", "--on",
                                   "--word=b", "--some=b,a", "--path=there"};
  REQUIRE(given.flags.parse(7, arguments));
  const auto remembered = given.flags.remembered();
  const std::vector<std::pair<std::string, std::string>> expected{
      {"count", "7"}, {"rate", "3e-05"}, {"on", "true"}, {"word", "b"}, {"some", "b,a"}};
  CHECK(remembered == expected);
  for (const auto& [name, value] : remembered) other.flags.set(name, value);
  CHECK(other.flags.remembered() == remembered);
  CHECK(other.rate == given.rate);
  CHECK(other.path == "here");
  CHECK_THROWS_AS(other.flags.set("count", "0"), ConfigError);
  CHECK_THROWS_AS(other.flags.set("counts", "1"), ConfigError);
}

TEST_CASE("run_program: errors are printed to stderr with exit code 1, else the code is that of the body") {
  const auto run = [](int (*body)(int, char**), int& code) {
    return captured(STDERR_FILENO, stderr, [&] { code = run_program(0, nullptr, body); });
  };
  int code = -1;
  CHECK(run([](int, char**) { return 130; }, code).empty());
  CHECK(code == 130);
  CHECK(run([](int, char**) -> int { throw ConfigError({.what = "--epochs is 0"}); }, code) ==
        "error: ConfigError: --epochs is 0\n");
  CHECK(code == 1);
  CHECK(run([](int, char**) -> int { throw std::bad_alloc(); }, code) == "error: out of memory\n");
  CHECK(code == 1);
  CHECK(run([](int, char**) -> int { throw std::runtime_error("broken"); }, code) == "error: broken\n");
  CHECK(code == 1);
}

TEST_CASE("run_program: output that cannot be written is an error") {
  const int full = open("/dev/full", O_WRONLY);
  if (full < 0) return;  // not every system has the device
  int code = -1;
  const std::string printed = captured(STDERR_FILENO, stderr, [&] {
    std::fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    dup2(full, STDOUT_FILENO);
    code = run_program(0, nullptr, [](int, char**) { return std::printf("a line\n") > 0 ? 0 : 2; });
    dup2(kept, STDOUT_FILENO);
    close(kept);
    std::clearerr(stdout);
  });
  close(full);
  CHECK(code == 1);
  CHECK_THAT(printed, ContainsSubstring("error: cannot write to the standard output"));
}
