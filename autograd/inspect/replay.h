// A debugger's run as a page to go through step by step.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "autograd/inspect/debugger.h"
#include "autograd/inspect/replay_data.h"

namespace heed {

struct ReplayOptions {
  std::string title = "A run, step by step";
  std::string lead{};                    ///< below the title, as text
  std::size_t most_steps = 4'000;        ///< kept; of the others the number
  std::size_t most_bytes = 4'000'000;    ///< of maps on the page: when they are more, they are made coarser
  std::int64_t rows = 32, columns = 32;  ///< cells of a map at most
};

/// Keeps all steps of a Debugger, stopped at or not, and writes them as a page:
///
///   Replay replay({.title = "One training step"});
///   Debugger debugger(std::ref(console), {.watch = std::ref(replay)});
///   loss_of(model, batch).backward();
///   write_file("replay.html", replay.page());
///
/// Values are those at the time of the step, thinned out to small maps at once: no tensor is kept.
class Replay {
 public:
  explicit Replay(ReplayOptions options = {}) : options_(std::move(options)) {}

  void operator()(const DebugStep& step, const Debugger& debugger);

  /// One file without outside resources: a slider and keys over the steps; of each the line, the module, the
  /// operation with its formula, its operands and outputs as maps or numbers, gradients as they arrive and as
  /// they are sent on, and the breakpoints that held; a list of all steps, which is there without a script,
  /// too.
  std::string page() const;

 private:
  std::size_t add_value(const Tensor& x, bool norm);
  void add_use(replaying::Step& step, replaying::Role role, const std::string& name, const Tensor& x,
               const Debugger& debugger, std::size_t place = TracedOperation::kNowhere);
  void add_forward(replaying::Step& step, const DebugStep& at, const Debugger& debugger);
  void add_backward(replaying::Step& step, const DebugStep& at, const Debugger& debugger);

  ReplayOptions options_;
  std::vector<replaying::Step> steps_;
  std::vector<replaying::Value> values_;
  std::map<std::string, std::size_t> value_of_content_;
  std::size_t left_out_ = 0;
};

}  // namespace heed
