#include "examples/common/flags.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/words.h"

namespace heed::programs {
namespace {

constexpr std::size_t kHelpWidth = 100;

std::string quoted(std::string_view value) { return text("\"", value, "\""); }

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

std::string describe(const Range& range) {
  if (std::isfinite(range.low) && std::isfinite(range.high))
    return text("from ", range.low, " to ", range.high);
  if (std::isfinite(range.low)) return text(range.open ? "above " : "at least ", range.low);
  if (std::isfinite(range.high)) return text(range.open ? "below " : "at most ", range.high);
  return {};
}

bool contains(const Range& range, double value) {
  return range.open ? value > range.low && value < range.high : value >= range.low && value <= range.high;
}

template <class Number>
Number read_number(const std::string& name, const std::string& written, const Range& range, const char* kind) {
  std::string_view digits = written;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const std::string_view rest = digits.substr(static_cast<std::size_t>(end - digits.data()));
  if (error == std::errc::result_out_of_range && rest.empty())
    throw ConfigError(
        {.what = text("--", name, " is ", written, ", which is beyond the numbers that can be held")});
  if (error != std::errc{})
    throw ConfigError({.what = text("--", name, " takes ", kind, ", got ", quoted(written))});
  if (!rest.empty())
    throw ConfigError({.what = text("--", name, " takes ", kind, ", got ", quoted(written), ": ", quoted(rest),
                                    " is left over")});
  if (!std::isfinite(static_cast<double>(number)))
    throw ConfigError({.what = text("--", name, " takes a finite number, got ", quoted(written))});
  if (!contains(range, static_cast<double>(number)))
    throw ConfigError({.what = text("--", name, " is ", written, ", must be ", describe(range))});
  return number;
}

void require_listed(const std::string& name, const char* takes, const std::vector<std::string>& words,
                    const std::string& written) {
  if (std::find(words.begin(), words.end(), written) != words.end()) return;
  const std::string word = nearest_word(written, words);
  throw ConfigError({.what = text("--", name, " takes ", takes, " of ", joined(words, ", "), "; got ",
                                  quoted(written), word.empty() ? "" : text(", did you mean ", word, "?"))});
}

bool read_switch(const std::string& name, const std::string& written) {
  if (written == "true" || written == "yes" || written == "on" || written == "1") return true;
  if (written == "false" || written == "no" || written == "off" || written == "0") return false;
  throw ConfigError({.what = text("--", name, " takes true or false, got ", quoted(written))});
}

// The words in lines of at most `width`, all but the first indented.
std::string wrapped(std::string_view words, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = indent;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    if (column > indent && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) out += ' ', ++column;
    out += word;
    column += word.size();
  }
  return out;
}

}  // namespace

void Flags::declare(Flag flag) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (flag.name.empty() || flag.name.front() == '-' || !std::all_of(flag.name.begin(), flag.name.end(), fits))
    throw ConfigError({.what = text("Flags: ", quoted(flag.name), " is no name for a flag"),
                       .expected = "lower-case letters, digits and \"-\" between them"});
  if (flag.name == "help" || find(flag.name) != nullptr)
    throw ConfigError({.what = text("Flags: --", flag.name, " is declared twice")});
  flags_.push_back(std::move(flag));
}

void Flags::add(std::string name, std::int64_t* value, std::string help, Range range) {
  declare({.name = std::move(name), .target = value, .help = std::move(help), .range = range});
}
void Flags::add(std::string name, std::uint64_t* value, std::string help, Range range) {
  declare({.name = std::move(name), .target = value, .help = std::move(help), .range = range});
}
void Flags::add(std::string name, double* value, std::string help, Range range) {
  declare({.name = std::move(name), .target = value, .help = std::move(help), .range = range});
}
void Flags::add(std::string name, bool* value, std::string help) {
  declare({.name = std::move(name), .target = value, .help = std::move(help)});
}
void Flags::add(std::string name, std::string* value, std::string help) {
  declare({.name = std::move(name), .target = value, .help = std::move(help)});
}
void Flags::add(std::string name, std::optional<std::string>* value, std::string help) {
  declare({.name = std::move(name), .target = value, .help = std::move(help)});
}
void Flags::choice(std::string name, std::string* value, std::vector<std::string> words, std::string help) {
  declare({.name = std::move(name), .target = value, .help = std::move(help), .words = std::move(words)});
}

void Flags::choices(std::string name, std::vector<std::string>* value, std::vector<std::string> words,
                    std::string help) {
  declare({.name = std::move(name), .target = value, .help = std::move(help), .words = std::move(words)});
}

Flags::Flag* Flags::find(std::string_view name) {
  for (Flag& flag : flags_)
    if (flag.name == name) return &flag;
  return nullptr;
}

void Flags::throw_unknown(std::string_view written) const {
  const std::string_view bare = written.substr(std::min(written.find_first_not_of('-'), written.size()));
  std::vector<std::string> names{"help"};
  for (const Flag& flag : flags_) {
    names.push_back(flag.name);
    if (std::holds_alternative<bool*>(flag.target)) names.push_back("no-" + flag.name);
  }
  const std::string name = nearest_word(bare, names);
  throw ConfigError(
      {.what = text("unknown flag ", written, name.empty() ? "" : text("; did you mean --", name, "?")),
       .hint = name.empty() ? text(program_, " --help lists the flags") : ""});
}

Flags::Value Flags::read(const Flag& flag, const std::string& written) {
  if (std::holds_alternative<std::int64_t*>(flag.target))
    return read_number<std::int64_t>(flag.name, written, flag.range, "a whole number");
  if (std::holds_alternative<std::uint64_t*>(flag.target))
    return read_number<std::uint64_t>(flag.name, written, flag.range, "a whole number that is not negative");
  if (std::holds_alternative<double*>(flag.target))
    return read_number<double>(flag.name, written, flag.range, "a number");
  if (std::holds_alternative<bool*>(flag.target)) return read_switch(flag.name, written);
  if (std::holds_alternative<std::optional<std::string>*>(flag.target) && written.empty())
    throw ConfigError({.what = text("--", flag.name, " is given an empty value")});
  if (std::holds_alternative<std::vector<std::string>*>(flag.target)) return read_choices(flag, written);
  if (!flag.words.empty()) require_listed(flag.name, "one", flag.words, written);
  return written;
}

std::vector<std::string> Flags::read_choices(const Flag& flag, const std::string& written) {
  std::vector<std::string> chosen;
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = written.find(',', begin);
    const std::string word = written.substr(begin, end - begin);
    require_listed(flag.name, "some", flag.words, word);
    if (std::find(chosen.begin(), chosen.end(), word) != chosen.end())
      throw ConfigError({.what = text("--", flag.name, " names ", word, " twice")});
    chosen.push_back(word);
  }
  return chosen;
}

bool Flags::parse(int argc, const char* const* argv) {
  std::vector<std::pair<Target, Value>> met;
  bool wants_help = false;
  for (Flag& flag : flags_) flag.given.reset();
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      wants_help = true;
      continue;
    }
    if (!argument.starts_with('-') || argument == "-") {
      const Flag* before =
          i > 1 && std::string_view(argv[i - 1]).starts_with("--") ? find(argv[i - 1] + 2) : nullptr;
      throw ConfigError({.what = text("unexpected argument ", quoted(argument)),
                         .hint = before != nullptr ? text("write --", before->name, "=", argument)
                                                   : "a flag is written --name=value"});
    }
    const std::size_t equals = argument.find('=');
    const std::string written_name = argument.substr(0, equals);
    if (!written_name.starts_with("--")) throw_unknown(written_name);
    Flag* flag = find(std::string_view(written_name).substr(2));
    std::optional<std::string> value;
    if (equals != std::string::npos) value = argument.substr(equals + 1);
    if (flag == nullptr && written_name.starts_with("--no-")) {
      flag = find(std::string_view(written_name).substr(5));
      if (flag != nullptr && !std::holds_alternative<bool*>(flag->target)) flag = nullptr;
      if (flag != nullptr && value)
        throw ConfigError({.what = text(written_name, " takes no value, got ", quoted(*value))});
      value = "false";
    }
    if (flag == nullptr) throw_unknown(written_name);
    if (!value && std::holds_alternative<bool*>(flag->target)) value = "true";
    if (!value && i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--")) value = argv[++i];
    if (!value) throw ConfigError({.what = text("--", flag->name, " needs a value: --", flag->name, "=value")});
    if (flag->given)
      throw ConfigError({.what = text("--", flag->name, " is given twice, as ", quoted(*flag->given),
                                      " and as ", quoted(*value))});
    met.emplace_back(flag->target, read(*flag, *value));
    flag->given = std::move(value);
  }
  if (wants_help) {
    std::fputs(help().c_str(), stdout);
    return false;
  }
  for (const auto& [target, value] : met) assign(target, value);
  return true;
}

void Flags::assign(const Target& target, const Value& value) {
  if (auto* number = std::get_if<std::int64_t*>(&target)) **number = std::get<std::int64_t>(value);
  if (auto* number = std::get_if<std::uint64_t*>(&target)) **number = std::get<std::uint64_t>(value);
  if (auto* number = std::get_if<double*>(&target)) **number = std::get<double>(value);
  if (auto* on = std::get_if<bool*>(&target)) **on = std::get<bool>(value);
  if (auto* word = std::get_if<std::string*>(&target)) **word = std::get<std::string>(value);
  if (auto* word = std::get_if<std::optional<std::string>*>(&target)) **word = std::get<std::string>(value);
  if (auto* words = std::get_if<std::vector<std::string>*>(&target))
    **words = std::get<std::vector<std::string>>(value);
}

Flags::Flag& Flags::known(std::string_view name) {
  Flag* const flag = find(name);
  if (flag == nullptr) throw ConfigError({.what = text("Flags: --", name, " is not declared")});
  return *flag;
}

void Flags::set(std::string_view name, const std::string& written) {
  const Flag& flag = known(name);
  assign(flag.target, read(flag, written));
}

void Flags::do_not_remember(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) known(name).is_remembered = false;
}

std::vector<std::pair<std::string, std::string>> Flags::remembered() const {
  std::vector<std::pair<std::string, std::string>> values;
  for (const Flag& flag : flags_)
    if (flag.is_remembered) values.emplace_back(flag.name, value_of(flag));
  return values;
}

std::string Flags::value_of(const Flag& flag) {
  if (auto* number = std::get_if<std::int64_t*>(&flag.target)) return std::to_string(**number);
  if (auto* number = std::get_if<std::uint64_t*>(&flag.target)) return std::to_string(**number);
  if (auto* number = std::get_if<double*>(&flag.target)) return text(**number);
  if (auto* on = std::get_if<bool*>(&flag.target)) return **on ? "true" : "false";
  if (auto* word = std::get_if<std::string*>(&flag.target)) return **word;
  if (auto* words = std::get_if<std::vector<std::string>*>(&flag.target)) return joined(**words, ",");
  return std::get<std::optional<std::string>*>(flag.target)->value_or("");
}

std::string Flags::describe_default(const Flag& flag) {
  const std::string value = value_of(flag);
  const bool is_text = std::holds_alternative<std::string*>(flag.target) ||
                       std::holds_alternative<std::optional<std::string>*>(flag.target);
  std::string out = "default " + (is_text && flag.words.empty() ? quoted(value) : value);
  if (auto* on = std::get_if<bool*>(&flag.target))
    out = **on ? text("default on; --no-", flag.name, " turns it off") : "default off";
  else if (auto* words = std::get_if<std::vector<std::string>*>(&flag.target); words && **words == flag.words)
    out = "default all";
  else if (value.empty())
    out = std::holds_alternative<std::string*>(flag.target) ? "default empty" : "default none";
  const std::string range = describe(flag.range);
  return range.empty() ? out : text(out, ", ", range);
}

std::string Flags::help() const {
  std::vector<std::string> names;
  std::size_t widest = std::string_view("--help").size();
  for (const Flag& flag : flags_) {
    const bool is_text = std::holds_alternative<std::string*>(flag.target) ||
                         std::holds_alternative<std::optional<std::string>*>(flag.target);
    const char* value = std::holds_alternative<bool*>(flag.target)                       ? ""
                        : std::holds_alternative<std::vector<std::string>*>(flag.target) ? "=WORD,WORD"
                        : !flag.words.empty()                                            ? "=WORD"
                        : is_text                                                        ? "=TEXT"
                                                                                         : "=N";
    names.push_back(text("--", flag.name, value));
    widest = std::max(widest, names.back().size());
  }
  const std::size_t indent = widest + 4;
  const auto row = [&](const std::string& name, const std::string& words) {
    return "  " + name + std::string(indent - 2 - name.size(), ' ') + wrapped(words, indent, kHelpWidth) + "\n";
  };
  std::string out = text(wrapped(summary_, 0, kHelpWidth), "\n\nusage: ", program_, " [--name=value …]\n\n");
  for (std::size_t i = 0; i < flags_.size(); ++i) {
    const Flag& flag = flags_[i];
    const std::string words = flag.words.empty() ? "" : ": " + joined(flag.words, ", ");
    out += row(names[i], text(flag.help, words, " (", describe_default(flag), ")"));
  }
  return out + row("--help", "shows this text");
}

int run_program(int argc, char** argv, int (*body)(int, char**)) {
  int code = 1;
  std::string message;
  try {
    code = body(argc, argv);
  } catch (const std::bad_alloc&) {
    message = "out of memory";
  } catch (const std::exception& error) {
    message = error.what();
  }
  errno = 0;
  const bool wrote_all = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (message.empty() && !wrote_all)
    message = "cannot write to the standard output" +
              (errno == 0 ? std::string() : ": " + std::generic_category().message(errno));
  if (message.empty()) return code;
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

}  // namespace heed::programs
