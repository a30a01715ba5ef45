#include "autograd/inspect/debugger.h"

#include <algorithm>
#include <utility>

#include "autograd/hooks.h"
#include "autograd/inspect/statistics.h"
#include "autograd/node.h"
#include "core/names.h"
#include "core/value_text.h"

namespace heed {
namespace {

constexpr std::size_t kRecent = 100;

struct Found {
  bool nan = false, infinite = false;
};

Found not_finite(std::span<const Tensor> tensors) {
  Found found;
  for (const Tensor& x : tensors) {
    if (!x.defined() || magnitudes_of(x).finite()) continue;
    const Statistics s = statistics_of(x);
    found.nan = found.nan || s.nan > 0;
    found.infinite = found.infinite || s.infinite() > 0;
  }
  return found;
}

bool has_extent(const Shape& shape, std::int64_t extent) {
  return std::find(shape.begin(), shape.end(), extent) != shape.end();
}

// Whether a path is that of a file named by the end of its path.
bool is_file(const SourceLocation& at, std::string_view name) {
  if (!at.known()) return false;
  const std::string_view file = at.file();
  return file.ends_with(name) &&
         (file.size() == name.size() || name.starts_with('/') || file[file.size() - name.size() - 1] == '/');
}

bool beyond(std::span<const Tensor> gradients, double norm) {
  return std::any_of(gradients.begin(), gradients.end(), [&](const Tensor& gradient) {
    const Statistics s = statistics_of(gradient);
    return s.norm > norm || !s.all_finite();
  });
}

std::int64_t bytes_in(const Trace& trace) {
  constexpr std::int64_t kAnOperation = 1'000;  // about
  std::int64_t bytes = kAnOperation * std::ssize(trace.operations());
  const auto add = [&](const Tensor& x) { bytes += x.defined() ? bytes_of(x) : 0; };
  for (const TracedValue& value : trace.values()) {
    if (value.operation != 0) add(value.value);
    add(value.gradient);
  }
  for (const TracedOperation& operation : trace.operations())
    for (const Tensor& gradient : operation.operand_gradients) add(gradient);
  return bytes;
}

}  // namespace

Debugger::Debugger(Ask ask, DebuggerOptions options)
    : ask_(std::move(ask)), options_(std::move(options)), mode_(options_.at_once ? Go::step : Go::run_on) {}

int Debugger::add(Breakpoint breakpoint) {
  breakpoints_.emplace(++last_breakpoint_, std::move(breakpoint));
  return last_breakpoint_;
}

bool Debugger::remove(int number) { return breakpoints_.erase(number) > 0; }

const TracedOperation* Debugger::operation(std::size_t number) const {
  return number < first_operation() || number > last_operation()
             ? nullptr
             : &trace_.operations()[number - first_operation()];
}

// ---- what the engine tells

void Debugger::entered(std::uint32_t path_number) {
  if (depth_ > 0 || !watches()) return;
  const std::string& path = names::at_number(path_number);
  entering_.push_back(path);
  const bool is_part = is_within(path, from_module_) && path != from_module_;
  call_over_ = call_over_ || (!from_module_.empty() && !is_part);
}

void Debugger::recorded(const Recorded& operation) {
  throw_pending();
  if (depth_ > 0 || !watches() || operation.index + 1 < operation.outputs) return;
  const TracedOperation& its = trace_.operations().back();
  DebugStep step{.operation = last_operation(), .name = its.name, .module = its.module, .at = its.at};
  for (const std::size_t place : its.outputs) step.values.push_back(trace_.values()[place].value);
  step.shape = step.values.front().shape();
  take(std::move(step));
}

void Debugger::sweep_began(const SourceLocation&) {
  sweeps_.push_back(depth_);
  if (depth_ > 0) return;
  latest_module_.clear();
  nan_met_ = infinite_met_ = false;
}

// However the sweep ended, rules that were running within it are not any more.
void Debugger::sweep_ended() {
  if (sweeps_.empty()) return;  // it began before this was there
  depth_ = sweeps_.back();
  sweeps_.pop_back();
  if (depth_ == 0) in_rules_.reset();
  if (!sweeps_.empty() || bytes_in(trace_) <= options_.keep_bytes) return;
  forgotten_ = last_operation();
  trace_.forget();
}

DebugStep Debugger::step_of(const Node& node) const {
  DebugStep step{.kind = node.edges().empty() ? DebugKind::leaf : DebugKind::backward,
                 .name = node.operation,
                 .module = node.module_path(),
                 .at = node.recorded_by()};
  if (step.kind == DebugKind::leaf) {
    if (node.extras && !node.extras->name.empty()) step.name = node.extras->name;
    step.module = step.name.substr(0, step.name.find('.') == step.name.npos ? 0 : step.name.rfind('.'));
    step.values = {node.value};
  } else if (const TracedOperation* const seen = trace_.operation_of_id(id_of(node)); seen != nullptr) {
    step.operation = number_of(*seen);
    for (const std::size_t place : seen->outputs) step.values.push_back(trace_.values()[place].value);
    step.sent.resize(seen->operands.size());
  } else {
    step.values = {node.value};
  }
  return step;
}

void Debugger::reached(const Node& node, std::span<const Var> dy) {
  throw_pending();
  if (depth_++ > 0 || !watches() || &node.whole() != &node) return;  // a part's turn is that of the whole
  DebugStep step = step_of(node);
  for (const Var& each : dy) step.gradients.push_back(each.defined() ? each.value() : Tensor());
  step.values.resize(step.gradients.size());
  for (std::size_t i = step.gradients.size(); i-- > 0;)
    if (step.gradients[i].defined()) step.shape = step.gradients[i].shape();
  if (step.values.front().defined()) step.shape = step.values.front().shape();
  in_rules_ = std::move(step);
  unwinding_ = std::uncaught_exceptions();
}

void Debugger::rule_returned(const Node&, std::size_t operand, const Var& gradient) {
  if (depth_ != 1 || !in_rules_) return;
  in_rules_->sent.resize(std::max(in_rules_->sent.size(), operand + 1));
  if (gradient.defined()) in_rules_->sent[operand] = gradient.value();
}

void Debugger::left(const Node&) {
  if (depth_ > 0) --depth_;
  if (depth_ > 0 || !in_rules_) return;
  DebugStep step = *std::exchange(in_rules_, std::nullopt);
  if (std::uncaught_exceptions() > unwinding_) return;  // a rule has failed
  try {
    if (step.kind == DebugKind::backward) come_into(step.module);
    take(std::move(step));
  } catch (...) {
    pending_ = std::current_exception();
  }
}

void Debugger::throw_pending() {
  if (pending_) std::rethrow_exception(std::exchange(pending_, nullptr));
}

// ---- steps and stops

// The modules that the gradient was not in before.
void Debugger::come_into(const std::string& module) {
  entering_.clear();
  for (std::size_t end = module.find('.'); !module.empty(); end = module.find('.', end + 1)) {
    const std::string outer = module.substr(0, end);
    if (!is_within(latest_module_, outer)) entering_.push_back(outer);
    if (end == std::string::npos) break;
  }
  latest_module_ = module;
}

void Debugger::take(DebugStep step) {
  step.number = ++steps_;
  if (mode_ != Go::leave) {
    find_not_finite(step);
    for (const auto& [number, breakpoint] : breakpoints_)
      if (holds(breakpoint, step)) step.breakpoints.push_back(number);
    step.stops = !step.breakpoints.empty() || is_stop(step);
  }
  entering_.clear();
  DebugStep& line = recent_.emplace_back(step);
  line.values.clear();
  line.gradients.clear();
  line.sent.clear();
  if (recent_.size() > kRecent) recent_.pop_front();

  const Unobserved aside;
  if (options_.watch) options_.watch(step, *this);
  if (!step.stops) return;
  mode_ = ask_(step, *this);
  from_module_ = step.module;
  from_forward_ = step.is_forward();
  call_over_ = false;
  const bool quits = mode_ == Go::quit;
  if (quits) mode_ = Go::leave;
  if (!watches()) trace_.stop();
  if (quits) throw DebuggerQuit({.what = text("the debugger was quit at step ", step.number, ": ", step.name)});
}

bool Debugger::is_stop(const DebugStep& step) const {
  if (mode_ == Go::step) return true;
  if (mode_ != Go::next && mode_ != Go::finish) return false;
  if (step.is_forward() != from_forward_) return true;
  if (step.kind == DebugKind::leaf) return false;
  const bool inside = is_within(step.module, from_module_);
  return mode_ == Go::next ? !inside || step.module == from_module_ : !inside || call_over_;
}

bool Debugger::enters(const std::string& pattern) const {
  return std::any_of(entering_.begin(), entering_.end(),
                     [&](const std::string& path) { return matches_pattern(pattern, path); });
}

bool Debugger::holds(const Breakpoint& b, const DebugStep& step) const {
  if (step.is_forward() ? !b.forward : !b.backward) return false;
  if (!b.module.empty() && !enters(b.module)) return false;
  if (!b.name.empty() && !enters(b.name) && !matches_pattern(b.name, step.name)) {
    const TracedOperation* const its = operation(step.operation);
    const auto is_named = [&](std::size_t place) {
      const std::string& name = trace_.values()[place].name;
      return !name.empty() && matches_pattern(b.name, name);
    };
    if (its == nullptr || std::none_of(its->outputs.begin(), its->outputs.end(), is_named)) return false;
  }
  const auto any_shape = [&](auto condition) {
    return condition(step.shape) || std::any_of(step.values.begin(), step.values.end(), [&](const Tensor& x) {
             return x.defined() && condition(x.shape());
           });
  };
  if (b.shape && !any_shape([&](const Shape& shape) { return b.shape->matches(shape); })) return false;
  if (b.extent && !any_shape([&](const Shape& shape) { return has_extent(shape, *b.extent); })) return false;
  if (b.gradient_norm && !beyond(step.gradients, *b.gradient_norm)) return false;
  if (!b.file.empty() && (step.at.line() != b.line || !is_file(step.at, b.file))) return false;
  const bool arises = (b.nan && nan_arises_) || (b.infinite && infinite_arises_);
  return arises || (!b.nan && !b.infinite);
}

// What is not finite arises where it does not come from before.
void Debugger::find_not_finite(const DebugStep& step) {
  nan_arises_ = infinite_arises_ = false;
  const bool wanted = std::any_of(breakpoints_.begin(), breakpoints_.end(),
                                  [](const auto& each) { return each.second.nan || each.second.infinite; });
  if (!wanted) return;
  if (step.is_forward()) {
    const Found found = not_finite(step.values);
    nan_arises_ = found.nan && !comes_from_operand(step, true);
    infinite_arises_ = found.infinite && !comes_from_operand(step, false);
    return;
  }
  const Found arrived = not_finite(step.gradients), sent = not_finite(step.sent);
  nan_arises_ = arrived.nan ? !nan_met_ : sent.nan;
  infinite_arises_ = arrived.infinite ? !infinite_met_ : sent.infinite;
  nan_met_ = nan_met_ || arrived.nan || sent.nan;
  infinite_met_ = infinite_met_ || arrived.infinite || sent.infinite;
}

bool Debugger::comes_from_operand(const DebugStep& step, bool nan) const {
  const std::vector<std::size_t>& operands = operation(step.operation)->operands;
  return std::any_of(operands.begin(), operands.end(), [&](std::size_t place) {
    if (place == TracedOperation::kNowhere || trace_.values()[place].operation == 0) return false;
    const Found found = not_finite(std::span(&trace_.values()[place].value, 1));
    return nan ? found.nan : found.infinite;
  });
}

}  // namespace heed
