// The command line of a program: `--name=value` and `--name value`, bound to the variables of its
// configuration.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace heed::programs {

/// The numbers that a flag takes.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open = false;  ///< the ends are outside
};
inline Range at_least(double low) { return {.low = low}; }
inline Range above(double low) { return {.low = low, .open = true}; }
inline Range between(double low, double high) { return {.low = low, .high = high}; }

/// Flags declared one a line, each bound to a variable whose value at that time is the default:
///
///   Flags flags("date_conversion", "Trains a model to write dates in one form.");
///   flags.add("epochs", &config.epochs, "passes over the data", at_least(1));
///   flags.choice("model", &config.model, {"seq2seq", "peeky", "attention"}, "which model to train");
///   if (!flags.parse(argc, argv)) return 0;
///
/// The variables must outlive the object. A name is lower-case words joined by "-", without the dashes in
/// front; "help" is taken.
class Flags {
 public:
  Flags(std::string program, std::string summary)
      : program_(std::move(program)), summary_(std::move(summary)) {}

  void add(std::string name, std::int64_t* value, std::string help, Range range = {});
  void add(std::string name, std::uint64_t* value, std::string help, Range range = {});
  /// A finite number.
  void add(std::string name, double* value, std::string help, Range range = {});
  /// Set by `--name` alone, `--name=true` or `--name=false`; `--no-name` is the same as `--name=false`.
  void add(std::string name, bool* value, std::string help);
  void add(std::string name, std::string* value, std::string help);
  /// A text that need not be given, such as a path; when given it is not empty.
  void add(std::string name, std::optional<std::string>* value, std::string help);
  /// One of the listed words.
  void choice(std::string name, std::string* value, std::vector<std::string> words, std::string help);
  /// At least one of the listed words, each at most once, joined by commas.
  void choices(std::string name, std::vector<std::string>* value, std::vector<std::string> words,
               std::string help);

  /// Sets the variables from the arguments behind the program's name. Returns false when `--help` (or `-h`) was
  /// among them: then the help has been printed to stdout and no variable is set. Throws ConfigError, which
  /// names the flag and the value met, for an unknown flag (with the nearest name), a value that is missing,
  /// unfit or out of range, a flag given twice and an argument that is no flag; the variables are then as
  /// before.
  bool parse(int argc, const char* const* argv);

  /// Sets one flag's variable as parse() would, from a text that remembered() gave. Throws ConfigError.
  void set(std::string_view name, const std::string& written);
  /// These flags say where a run goes or how far, not what it is: remembered() leaves them out.
  void do_not_remember(std::initializer_list<std::string_view> names);
  /// Name and value, as it would be written, of all other flags in the order of their declaration.
  std::vector<std::pair<std::string, std::string>> remembered() const;

  /// The text that `--help` prints: summary, usage, and each flag with its default.
  std::string help() const;

 private:
  using Target = std::variant<std::int64_t*, std::uint64_t*, double*, bool*, std::string*,
                              std::optional<std::string>*, std::vector<std::string>*>;
  using Value = std::variant<std::int64_t, std::uint64_t, double, bool, std::string, std::vector<std::string>>;
  struct Flag {
    std::string name;
    Target target;
    std::string help;
    Range range{};
    std::vector<std::string> words{};    // to choose from
    std::optional<std::string> given{};  // the value met, as written
    bool is_remembered = true;
  };

  void declare(Flag flag);
  Flag* find(std::string_view name);
  Flag& known(std::string_view name);
  [[noreturn]] void throw_unknown(std::string_view written) const;
  static Value read(const Flag& flag, const std::string& written);
  static std::vector<std::string> read_choices(const Flag& flag, const std::string& written);
  static void assign(const Target& target, const Value& value);
  static std::string value_of(const Flag& flag);
  static std::string describe_default(const Flag& flag);

  std::string program_, summary_;
  std::vector<Flag> flags_;
};

/// The exit code of a program: that of `body`, or 1 after an error, which is printed to stderr as `error:
/// <what()>`. What `body` printed to stdout is flushed; output that cannot be written is an error too.
int run_program(int argc, char** argv, int (*body)(int, char**));

}  // namespace heed::programs
