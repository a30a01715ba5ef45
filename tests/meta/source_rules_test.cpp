#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/meta/sources.h"

namespace heed::tests {
namespace {

// What a rule finds wrong, one line each: "path:line: what".
using Faults = std::vector<std::string>;

std::vector<SourceFile> repository() {
  return sources_below({"core", "autograd", "layers", "optim", "data", "examples", "tests"});
}

std::string folder_of(const std::string& path) {
  if (path.starts_with("core/kernels/")) return "core/kernels";
  return path.substr(0, path.find('/'));
}

bool in_library(const std::string& path) {
  const std::string folder = folder_of(path);
  return folder != "examples" && folder != "tests";
}

struct Include {
  std::size_t line;
  std::string target;  // without quotes or brackets
  bool quoted;
};

std::vector<Include> includes_of(const SourceFile& file) {
  std::vector<Include> includes;
  const std::vector<std::string> lines = lines_of(file.content), code = lines_of(code_of(file.content));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t hash = code[i].find_first_not_of(" \t");
    if (hash == std::string::npos || code[i][hash] != '#' || find_word(code[i], "include") == std::string::npos)
      continue;
    const std::size_t begin = lines[i].find_first_of("\"<");
    if (begin == std::string::npos) continue;
    const std::size_t end = lines[i].find_first_of("\">", begin + 1);
    includes.push_back({i + 1, lines[i].substr(begin + 1, end - begin - 1), lines[i][begin] == '"'});
  }
  return includes;
}

// Calls visit(line number, line) for each line of the code without comments and strings.
template <class Visit>
void for_each_code_line(const SourceFile& file, Visit visit) {
  const std::vector<std::string> lines = lines_of(code_of(file.content));
  for (std::size_t i = 0; i < lines.size(); ++i) visit(i + 1, lines[i]);
}

Faults words_in(const SourceFile& file, std::initializer_list<const char*> words) {
  Faults faults;
  for_each_code_line(file, [&](std::size_t line, const std::string& code) {
    for (const char* const word : words)
      if (find_word(code, word) != std::string::npos) faults.push_back(text(file.path, ":", line, ": ", word));
  });
  return faults;
}

// ---- the rules

Faults arrows(const SourceFile& file) {
  static const std::map<std::string, std::set<std::string>> allowed{
      {"core/kernels", {"core/kernels"}},
      {"core", {"core", "core/kernels"}},
      {"autograd", {"autograd", "core"}},
      {"layers", {"layers", "autograd", "core"}},
      {"optim", {"optim", "autograd", "core"}},
      {"data", {"data", "core"}},
      {"examples", {"examples", "layers", "optim", "data", "autograd", "core"}},
      {"tests", {"tests", "examples", "layers", "optim", "data", "autograd", "core", "core/kernels"}}};
  // The choice of a variant is made once, in a file that speaks of errors as the rest of core does.
  static const std::set<std::string> exceptions{"core/kernels/cpu.cpp core/error.h"};
  Faults faults;
  for (const Include& include : includes_of(file)) {
    if (!include.quoted || exceptions.contains(text(file.path, " ", include.target))) continue;
    const auto known = allowed.find(folder_of(file.path));
    if (known == allowed.end() || !known->second.contains(folder_of(include.target)))
      faults.push_back(text(file.path, ":", include.line, ": must not include ", include.target));
  }
  return faults;
}

Faults lengths(const SourceFile& file) {
  const std::size_t lines = lines_of(file.content).size(), most = file.path == "CMakeLists.txt" ? 200 : 599;
  if (lines <= most) return {};
  return {text(file.path, ":", lines, ": longer than ", most, " lines")};
}

Faults unfinished_work(const SourceFile& file) {
  Faults faults;
  const std::vector<std::string> lines = lines_of(file.content);
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (const std::string& mark : {std::string("TO") + "DO", std::string("FIX") + "ME"})
      if (find_word(lines[i], mark) != std::string::npos)
        faults.push_back(text(file.path, ":", i + 1, ": ", mark));
  return faults;
}

// Inline functions of a shared header, compiled for a newer processor, could be the copies that the linker
// keeps.
Faults variant_includes(const SourceFile& file) {
  static const std::set<std::string> variants{"core/kernels/portable.cpp", "core/kernels/avx2.cpp",
                                              "core/kernels/avx512.cpp"};
  static const std::set<std::string> system{"stdint.h", "cstdint",     "stddef.h",
                                            "cstddef",  "emmintrin.h", "immintrin.h"};
  const bool part = file.path.starts_with("core/kernels/") && file.path.ends_with(".inc") &&
                    !file.path.starts_with("core/kernels/reference");
  Faults faults;
  if (!variants.contains(file.path) && !part) return faults;
  for (const Include& include : includes_of(file))
    if (include.quoted ? !include.target.starts_with("core/kernels/") : !system.contains(include.target))
      faults.push_back(
          text(file.path, ":", include.line, ": a kernel variant must not include ", include.target));
  return faults;
}

Faults intrinsics(const SourceFile& file) {
  Faults faults;
  // core/parallel.cpp tells the processor that it waits, which computes nothing.
  if (folder_of(file.path) == "core/kernels" || file.path == "core/parallel.cpp") return faults;
  for (const Include& include : includes_of(file))
    if (include.target.ends_with("intrin.h") || include.target == "arm_neon.h" || include.target == "arm_sve.h")
      faults.push_back(text(file.path, ":", include.line, ": ", include.target, " outside core/kernels"));
  for_each_code_line(file, [&](std::size_t line, const std::string& code) {
    for (const char* const beginning :
         {"_mm_", "_mm256_", "_mm512_", "__m128", "__m256", "__m512", "__builtin_ia32",
          "__attribute__((vector_size", "__builtin_shufflevector"}) {
      const std::size_t at = code.find(beginning);
      if (at != std::string::npos && (at == 0 || !is_word_character(code[at - 1])))
        faults.push_back(text(file.path, ":", line, ": ", beginning, " outside core/kernels"));
    }
  });
  return faults;
}

Faults threads(const SourceFile& file) {
  if (!in_library(file.path) || file.path == "core/parallel.cpp" || file.path == "core/allocator.cpp" ||
      file.path == "core/names.cpp")
    return {};
  return words_in(file, {"std::thread", "std::jthread", "std::async", "std::mutex", "std::shared_mutex",
                         "std::recursive_mutex", "std::condition_variable", "pthread_create"});
}

Faults environment(const SourceFile& file) {
  if (!in_library(file.path) || file.path == "core/kernels/cpu.cpp") return {};
  return words_in(file, {"getenv", "secure_getenv", "setenv", "environ"});
}

Faults printing(const SourceFile& file) {
  if (!in_library(file.path)) return {};
  Faults faults = words_in(file, {"printf", "fprintf", "vprintf", "vfprintf", "puts", "fputs", "putchar",
                                  "fputc", "perror", "std::cout", "std::cerr", "std::clog"});
  for (const Include& include : includes_of(file))
    if (include.target == "iostream") faults.push_back(text(file.path, ":", include.line, ": <iostream>"));
  return faults;
}

// Nothing in the library ends the program, seeds itself or asks the clock; but for autograd/profile and
// autograd/inspect, which tell how long things took.
Faults side_effects(const SourceFile& file) {
  if (!in_library(file.path)) return {};
  Faults faults = words_in(file, {"std::abort", "std::exit", "std::terminate", "std::random_device",
                                  "system_clock", "high_resolution_clock", "std::rand", "std::time"});
  if (!file.path.starts_with("autograd/inspect/") && !file.path.starts_with("autograd/profile/"))
    for (auto& fault : words_in(file, {"steady_clock"})) faults.push_back(std::move(fault));
  return faults;
}

Faults header_form(const SourceFile& file) {
  if (!file.path.ends_with(".h")) return {};
  Faults faults;
  const std::vector<std::string> lines = lines_of(file.content);
  if (lines.empty() || !lines[0].starts_with("// ") || lines[0].size() < 10)
    faults.push_back(text(file.path, ":1: a header begins with a line that says what it is"));
  if (std::find(lines.begin(), lines.end(), "#pragma once") == lines.end())
    faults.push_back(text(file.path, ":1: no #pragma once"));
  return faults;
}

Faults macros_in_headers(const SourceFile& file) {
  if (!file.path.ends_with(".h") || !in_library(file.path)) return {};
  Faults faults;
  for_each_code_line(file, [&](std::size_t line, const std::string& code) {
    const std::size_t hash = code.find_first_not_of(" \t");
    if (hash != std::string::npos && code[hash] == '#' && find_word(code, "define") != std::string::npos)
      faults.push_back(text(file.path, ":", line, ": a macro in a header"));
  });
  return faults;
}

struct Rule {
  const char* name;
  Faults (*check)(const SourceFile& file);
  SourceFile planted;   // breaks the rule
  SourceFile innocent;  // does not, though it looks alike
};

// Planted words are put together here so that this file does not break the rules itself.
std::vector<Rule> rules() {
  std::string long_file, short_file;
  for (int i = 0; i < 600; ++i) long_file += "int x;\n";
  for (int i = 0; i < 599; ++i) short_file += "int x;\n";
  return {
      {"arrows: layers never include optim",
       arrows,
       {"layers/linear.cpp", "#include \"optim/adam.h\"\n"},
       {"layers/linear.cpp", "// #include \"optim/adam.h\"\n#include \"autograd/ops.h\"\n#include <cmath>\n"}},
      {"arrows: data uses core only",
       arrows,
       {"data/batch.h", "#include \"core/tensor.h\"\n#  include \"autograd/var.h\"\n"},
       {"data/tasks/dates.cpp", "#include \"data/tasks/dates.h\"\n#include \"core/random.h\"\n"}},
      {"arrows: core knows nothing of gradients",
       arrows,
       {"core/tensor.h", "#include \"autograd/var.h\"\n"},
       {"core/tensor.h", "#include \"core/kernels/table.h\"\n"}},
      {"arrows: kernels do not use core",
       arrows,
       {"core/kernels/table.h", "#include \"core/shape.h\"\n"},
       {"core/kernels/cpu.cpp", "#include \"core/error.h\"\n"}},
      {"arrows: the library does not use the tests",
       arrows,
       {"optim/sgd.cpp", "#include \"tests/catch.h\"\n"},
       {"tests/optim/sgd_test.cpp", "#include \"tests/catch.h\"\n#include \"optim/sgd.h\"\n"}},
      {"arrows: the library does not use the examples",
       arrows,
       {"layers/linear.cpp", "#include \"examples/common/flags.h\"\n"},
       {"examples/dates.cpp", "#include \"examples/common/flags.h\"\n#include \"layers/linear.h\"\n"}},
      {"arrows: an include is a path from the root",
       arrows,
       {"core/tensor.cpp", "#include \"tensor.h\"\n"},
       {"core/tensor.cpp", "#include \"core/tensor.h\"\n"}},
      {"a file is shorter than 600 lines", lengths, {"core/a.cpp", long_file}, {"core/a.cpp", short_file}},
      {"CMakeLists.txt has at most 200 lines",
       lengths,
       {"CMakeLists.txt", long_file.substr(0, 201 * 7)},
       {"CMakeLists.txt", long_file.substr(0, 200 * 7)}},
      {"no work is left for later",
       unfinished_work,
       {"core/a.cpp", std::string("// TO") + "DO: the rest\n"},
       {"core/a.cpp", std::string("int TO") + "DOS;\n"}},
      {"kernel variants include nothing with shared inline functions",
       variant_includes,
       {"core/kernels/avx2.cpp", "#include <algorithm>\n"},
       {"core/kernels/reference_loops.inc", "#include <cmath>\n"}},
      {"parts of kernel variants include nothing of core",
       variant_includes,
       {"core/kernels/gemm.inc", "#include \"core/shape.h\"\n"},
       {"core/kernels/gemm.inc", "#include \"core/kernels/table.h\"\n#include <cstdint>\n"}},
      {"intrinsics stay in core/kernels: headers",
       intrinsics,
       {"core/matmul.cpp", "#include <immintrin.h>\n"},
       {"core/kernels/variant.inc", "#include <immintrin.h>\n"}},
      {"intrinsics stay in core/kernels: calls",
       intrinsics,
       {"core/matmul.cpp", "auto v = _mm256_set1_ps(1);\n"},
       {"core/matmul.cpp", "auto v = sum_mm_of(1);  // _mm256_set1_ps\n"}},
      {"threads stay in core/parallel",
       threads,
       {"data/loader.cpp", "std::thread worker;\n"},
       {"core/parallel.cpp", "std::thread worker;\n"}},
      {"locks stay in core/parallel, core/allocator and core/names",
       threads,
       {"data/loader.cpp", "  static std::mutex guard;\n"},
       {"data/loader.cpp", "  // std::mutex guards nothing here\n"}},
      {"only core/kernels/cpu.cpp reads the environment",
       environment,
       {"core/parallel.cpp", "std::getenv(\"THREADS\");\n"},
       {"core/kernels/cpu.cpp", "std::getenv(\"HEED_KERNEL\");\n"}},
      {"the library does not print: stdio",
       printing,
       {"optim/trainer.h", "std::printf(\"%d\", 1);\n"},
       {"optim/trainer.h", "std::snprintf(buffer, 4, \"printf\");\n"}},
      {"the library does not print: streams",
       printing,
       {"data/loader.cpp", "std::cout << 1;\n"},
       {"examples/dates.cpp", "std::cout << 1;\n"}},
      {"the library neither ends the program nor seeds itself",
       side_effects,
       {"core/random.cpp", "std::random_device entropy;\n"},
       {"core/random.cpp", "const char* text = \"std::random_device\";\n"}},
      {"only autograd/profile and autograd/inspect ask the clock",
       side_effects,
       {"autograd/backward.cpp", "std::chrono::steady_clock::now();\n"},
       {"autograd/inspect/trace.cpp", "std::chrono::steady_clock::now();\n"}},
      {"headers begin with what they are",
       header_form,
       {"core/a.h", "#pragma once\nint x;\n"},
       {"core/a.h", "// Numbers of things.\n#pragma once\nint x;\n"}},
      {"headers are included once",
       header_form,
       {"core/a.h", "// Numbers of things.\nint x;\n"},
       {"core/a.cpp", "int x;\n"}},
      {"headers define no macros",
       macros_in_headers,
       {"core/a.h", "#define HEED_A 1\n"},
       {"core/a.cpp", "#define HEED_A 1\n"}},
  };
}

TEST_CASE("source rules: every file of the repository keeps them") {
  std::vector<SourceFile> files = repository();
  CHECK(files.size() > 100);
  files.push_back({"CMakeLists.txt", content_of("CMakeLists.txt")});
  std::set<Faults (*)(const SourceFile&)> seen;
  for (const Rule& rule : rules()) {
    if (!seen.insert(rule.check).second) continue;
    for (const SourceFile& file : files)
      for (const std::string& fault : rule.check(file)) {
        INFO(rule.name << ": " << fault);
        CHECK(false);
      }
  }
}

TEST_CASE("source rules: each one finds a planted fault and nothing in a file that only looks alike") {
  for (const Rule& rule : rules()) {
    INFO(rule.name);
    CHECK(rule.check(rule.planted).size() == 1);
    CHECK(rule.check(rule.innocent) == Faults{});
    for (const std::string& fault : rule.check(rule.planted)) CHECK(fault.starts_with(rule.planted.path + ":"));
  }
}

}  // namespace
}  // namespace heed::tests
