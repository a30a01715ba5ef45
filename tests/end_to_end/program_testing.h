// Running a program of examples/ as a person does: arguments, files, Ctrl-C.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "core/file.h"
#include "tests/catch.h"
#include "tests/folder.h"

namespace heed::tests {

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

/// Runs the program; sends SIGINT as soon as its output contains `interrupt_at`, when that is not empty.
/// `file_limit` is the largest file in bytes that it may write, as on a full disk.
inline Outcome run_program(const std::string& name, const Folder& folder, std::vector<std::string> arguments,
                           const std::string& interrupt_at = {}, rlim_t file_limit = RLIM_INFINITY) {
  const std::string program = HEED_PROGRAMS "/" + name, error_path = folder.at("stderr");
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    const int error_file = open(error_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(error_file, STDERR_FILENO);
    if (file_limit != RLIM_INFINITY) {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{file_limit, file_limit};
      setrlimit(RLIMIT_FSIZE, &limit);
    }
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  close(ends[1]);
  Outcome outcome;
  char buffer[4096];
  bool interrupted = interrupt_at.empty();
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    outcome.out.append(buffer, static_cast<std::size_t>(n));
    if (!interrupted && outcome.out.find(interrupt_at) != std::string::npos) {
      kill(child, SIGINT);
      interrupted = true;
    }
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.err = read_file(error_path);
  return outcome;
}

inline std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  return text.substr(text.rfind('\n', end) + 1, end - text.rfind('\n', end));
}

}  // namespace heed::tests
