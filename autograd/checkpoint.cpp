#include "autograd/checkpoint.h"

#include <cstring>
#include <unordered_set>
#include <utility>

#include "autograd/record.h"
#include "core/error.h"

namespace heed {
namespace {

using Function = std::function<std::vector<Var>(std::span<const Var>, Rng&)>;

// Collects what a function takes from outside while it runs unrecorded: the operands that require a gradient.
// What it records by itself, in a differentiation of its own, is younger.
class Outside : public Observer {
 public:
  explicit Outside(std::span<const Var> inputs) : since_(moment::now()), found_(inputs.begin(), inputs.end()) {
    for (const Var& input : inputs) seen_.insert(input.node());
  }
  void recorded(const Recorded& operation) override {
    for (const Var* const operand : operation.operands) add(*operand);
  }
  void add(const Var& var) {
    if (var.requires_grad() && var.node()->recorded_at <= since_ && seen_.insert(var.node()).second)
      found_.push_back(var);
  }
  /// The inputs, then what else there is.
  std::span<const Var> found() const { return found_; }

 private:
  std::uint64_t since_;
  std::vector<Var> found_;
  std::unordered_set<const Node*> seen_;
};

// What an output was like: enough to tell whether it is so again.
struct Likeness {
  Shape shape;
  DType dtype;
  std::uint64_t fingerprint;
  bool operator==(const Likeness&) const = default;
};

std::uint64_t fingerprint(const Tensor& tensor) {
  const Tensor elements = tensor.contiguous_copy_if_needed();
  const std::byte* at = elements.bytes();
  std::uint64_t hash = 0;
  for (std::size_t left = static_cast<std::size_t>(elements.count()) * size_of(elements.dtype()); left > 0;) {
    std::uint64_t word = 0;
    const std::size_t bytes = std::min(left, sizeof word);
    std::memcpy(&word, at, bytes);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
    at += bytes;
    left -= bytes;
  }
  return hash;
}

std::vector<Likeness> likenesses(std::span<const Var> outputs) {
  std::vector<Likeness> all;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined())
      throw GraphError({.what = text("checkpoint: output ", i, " of the function is undefined")});
    const Tensor& value = outputs[i].value();
    all.push_back({value.shape(), value.dtype(), fingerprint(value)});
  }
  return all;
}

void require_same(const std::vector<Likeness>& again, const std::vector<Likeness>& before,
                  const SourceLocation& at) {
  if (again == before) return;
  const auto complain = [&](std::string what) {
    throw GraphError({.what = "checkpoint: " + std::move(what),
                      .expected = "a function that computes the same when it runs again; random numbers come "
                                  "from the generator that it is given",
                      .operands = text("called at ", at)});
  };
  if (again.size() != before.size())
    complain(text("the function returned ", again.size(), " outputs when run again, and ", before.size(),
                  " before"));
  for (std::size_t i = 0; i < again.size(); ++i) {
    const Likeness &now = again[i], &then = before[i];
    if (now.shape != then.shape || now.dtype != then.dtype)
      complain(text("output ", i, " is ", now.dtype, " ", now.shape, " when computed again, and was ",
                    then.dtype, " ", then.shape));
    if (!(now == then)) complain(text("output ", i, " ", now.shape, " has other values when computed again"));
  }
}

class RunningAgain {
 public:
  RunningAgain() : before_(std::exchange(checkpointing::running_again, true)) {}
  ~RunningAgain() { checkpointing::running_again = before_; }
  RunningAgain(const RunningAgain&) = delete;
  RunningAgain& operator=(const RunningAgain&) = delete;

 private:
  bool before_;
};

// The rule: all that a checkpoint keeps.
struct Again {
  Function f;
  std::vector<Var> inputs;
  Rng::State random;
  std::vector<Likeness> before;
  SourceLocation at;

  std::vector<Var> operator()() {
    const RunningAgain running_again;
    Rng rng(random);
    std::vector<Var> outputs = f(inputs, rng);
    require_same(likenesses(outputs), before, at);
    return outputs;
  }
};

std::vector<Var> run(const Function& f, std::span<const Var> inputs, Rng& rng, const SourceLocation& at) {
  if (!is_recording()) return f(inputs, rng);
  Again again{f, {inputs.begin(), inputs.end()}, rng.state(), {}, at};
  std::vector<Var> operands, outputs;
  {
    Outside outside(inputs);
    const NoGrad no_grad;
    outputs = f(inputs, rng);
    for (const Var& output : outputs) outside.add(output);
    operands.assign(outside.found().begin(), outside.found().end());
  }
  if (!any_requires_grad(operands)) return outputs;
  again.before = likenesses(outputs);
  const Operation operation{"checkpoint", at};
  if (outputs.size() == 1) return {record_joint(operation, outputs[0].value(), operands, std::move(again))};
  std::vector<Tensor> values;
  for (const Var& output : outputs) values.push_back(output.value());
  record_parts(operation, values, operands, again, outputs);
  return outputs;
}

}  // namespace

std::vector<Var> checkpoint(const Differentiable& f, std::span<const Var> inputs, SourceLocation at) {
  Rng unused(0);
  return run([f](std::span<const Var> in, Rng&) { return f(in); }, inputs, unused, at);
}

Var checkpoint(const std::function<Var(const Var&)>& f, const Var& x, SourceLocation at) {
  return checkpoint([f](std::span<const Var> in) { return std::vector<Var>{f(in[0])}; }, std::span(&x, 1),
                    at)[0];
}

std::vector<Var> checkpoint(const Function& f, std::span<const Var> inputs, Rng& rng, SourceLocation at) {
  return run(f, inputs, rng, at);
}

Var checkpoint(const std::function<Var(const Var&, Rng&)>& f, const Var& x, Rng& rng, SourceLocation at) {
  return run([f](std::span<const Var> in, Rng& generator) { return std::vector<Var>{f(in[0], generator)}; },
             std::span(&x, 1), rng, at)[0];
}

}  // namespace heed
