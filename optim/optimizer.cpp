#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "autograd/node.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/reduce.h"

namespace heed {
namespace {

// Elements that one thread takes at a time: some ten microseconds of work.
constexpr std::int64_t kGrain = 1 << 16;

}  // namespace

// ---- making
// -------------------------------------------------------------------------------------------------------------

Optimizer::Optimizer(Rule rule, std::vector<Var> parameters, double learning_rate)
    : rule_(std::move(rule)), parameters_(std::move(parameters)), offsets_{0} {
  set_learning_rate(learning_rate);
  if (parameters_.empty()) throw ConfigError({.what = text(rule_.name, ": there are no parameters")});
  for (std::size_t i = 0; i < parameters_.size(); ++i) add_slot(i);

  std::unordered_set<std::string> taken;
  for (Slot& slot : slots_) {
    const std::string base = slot.name;
    for (int n = 2; !taken.insert(slot.name).second; ++n) slot.name = text(base, "#", n);
  }
}

Optimizer::~Optimizer() = default;

void Optimizer::add_slot(std::size_t i) {
  const Var& parameter = parameters_[i];
  if (!parameter.defined())
    throw ConfigError({.what = text(rule_.name, ": parameter ", i, " is an undefined Var")});
  if (!parameter.is_leaf())
    throw ConfigError({.what = text(rule_.name, ": ", describe(i), " is the output of ", parameter.operation()),
                       .expected = "leaves: what Var::parameter has made"});
  if (!parameter.requires_grad())
    throw ConfigError({.what = text(rule_.name, ": no gradient flows to ", describe(i)),
                       .hint = "make it with Var::parameter"});
  for (std::size_t j = 0; j < i; ++j)
    if (parameter.same_as(parameters_[j]))
      throw ConfigError({.what = text(rule_.name, ": ", describe(i), " is the same variable as parameter ", j),
                         .expected = "each parameter once"});
  if (!is_floating(parameter.dtype())) throw_not_floating(parameter.dtype(), rule_.name);
  if (!parameter.value().contiguous())
    throw ConfigError(
        {.what = text(rule_.name, ": ", describe(i), " ", parameter.shape(), " is not contiguous"),
         .hint = "make it from a clone() of the value"});

  Slot slot{.name = parameter.name().empty() ? text(i) : parameter.name(),
            .shape = parameter.shape(),
            .dtype = parameter.dtype(),
            .state = {}};
  for (std::size_t k = 0; k < rule_.state.size(); ++k)
    slot.state.push_back(Tensor::zeros(slot.shape, slot.dtype));
  slots_.push_back(std::move(slot));
  offsets_.push_back(offsets_.back() + parameter.count());
}

std::string Optimizer::describe(std::size_t i) const {
  const std::string& name = parameters_[i].name();
  return name.empty() ? text("parameter ", i) : text("parameter ", i, " (\"", name, "\")");
}

void Optimizer::require(bool valid, const char* setting, double value, const char* expected) const {
  if (!valid) throw ConfigError({.what = text(rule_.name, ": ", setting, " is ", value), .expected = expected});
}

void Optimizer::set_learning_rate(double rate) {
  require(std::isfinite(rate) && rate >= 0, "the learning rate", rate, "0 <= learning_rate < infinity");
  learning_rate_ = rate;
}

// ---- a step
// -------------------------------------------------------------------------------------------------------------

// All parameters lie end to end in one long row of elements, which is cut every kGrain elements: small
// parameters share a piece, large ones have many. Calls f(piece, i, begin, end) for the elements [begin, end)
// of parameter i that lie in a piece.
template <class F>
void Optimizer::for_pieces(F f) const {
  parallel_for(offsets_.back(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    const auto first = std::upper_bound(offsets_.begin(), offsets_.end(), begin) - 1;
    for (auto i = static_cast<std::size_t>(first - offsets_.begin()); offsets_[i] < end; ++i)
      f(static_cast<std::size_t>(begin / kGrain), i, std::max(begin, offsets_[i]) - offsets_[i],
        std::min(end, offsets_[i + 1]) - offsets_[i]);
  });
}

double Optimizer::step(const StepOptions& options, SourceLocation at) {
  require(options.clip_norm >= 0, "clip_norm", options.clip_norm, "clip_norm >= 0; 0 does not clip");
  require(std::isfinite(options.gradient_scale) && options.gradient_scale > 0, "gradient_scale",
          options.gradient_scale, "0 < gradient_scale < infinity");
  const std::vector<Tensor> gradients = collect_gradients();
  const double norm = options.gradient_scale * global_norm(gradients);
  ++steps_;
  if (!std::isfinite(norm)) return norm;
  const bool clips = options.clip_norm > 0 && norm > options.clip_norm;
  update_all(gradients, clips ? options.gradient_scale * (options.clip_norm / norm) : options.gradient_scale,
             at);
  return norm;
}

// One tensor a parameter; undefined where there is no gradient.
std::vector<Tensor> Optimizer::collect_gradients() const {
  std::vector<Tensor> gradients(parameters_.size());
  bool any = false;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Var& parameter = parameters_[i];
    if (!parameter.grad().defined()) continue;
    const Slot& slot = slots_[i];
    if (parameter.shape() != slot.shape || parameter.dtype() != slot.dtype || !parameter.value().contiguous())
      throw ShapeError(
          {.what = text(rule_.name, ".step: ", describe(i), " is ", parameter.dtype(), " ", parameter.shape(),
                        ", and was ", slot.dtype, " ", slot.shape, " when the optimiser was made"),
           .expected = "the same shape and type, and contiguous elements"});
    gradients[i] = parameter.grad().value().contiguous_copy_if_needed();
    any = true;
  }
  if (!any)
    throw GraphError({.what = text(rule_.name, ".step: no parameter has a gradient"),
                      .hint = "call backward() before step(), and zero_grad() after it"});
  return gradients;
}

double Optimizer::global_norm(const std::vector<Tensor>& gradients) const {
  // A sum for each piece, and these added in their order: the bits do not depend on who computes which.
  std::vector<double> sums(static_cast<std::size_t>((offsets_.back() + kGrain - 1) / kGrain));
  for_pieces([&](std::size_t piece, std::size_t i, std::int64_t begin, std::int64_t end) {
    if (!gradients[i].defined() || begin == end) return;
    sums[piece] += for_floating(slots_[i].dtype, rule_.name, [&](auto zero) {
      using T = decltype(zero);
      return sum_of_squares(std::span(gradients[i].data<T>() + begin, static_cast<std::size_t>(end - begin)));
    });
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

void Optimizer::update_all(const std::vector<Tensor>& gradients, double scale, SourceLocation at) {
  std::vector<void*> elements(parameters_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!gradients[i].defined()) continue;
    ++slots_[i].updates;
    elements[i] = for_floating(slots_[i].dtype, rule_.name, [&](auto zero) -> void* {
      return parameters_[i].mutable_value().mutable_data<decltype(zero)>(at);
    });
  }
  for_pieces([&](std::size_t, std::size_t i, std::int64_t begin, std::int64_t end) {
    if (!gradients[i].defined() || begin == end) return;
    for_floating(slots_[i].dtype, rule_.name, [&](auto zero) {
      using T = decltype(zero);
      UpdatePiece<T> piece{.n = end - begin,
                           .parameter = static_cast<T*>(elements[i]) + begin,
                           .gradient = gradients[i].data<T>() + begin,
                           .scale = scale,
                           .state = {},
                           .update = slots_[i].updates};
      for (std::size_t k = 0; k < slots_[i].state.size(); ++k)
        piece.state[k] = slots_[i].state[k].fresh_data<T>() + begin;
      update(piece);
    });
  });
}

void Optimizer::zero_grad() {
  for (Var& parameter : parameters_) parameter.zero_grad();
}

// ---- state
// -------------------------------------------------------------------------------------------------------------

NamedTensors Optimizer::state() const {
  const std::string prefix = rule_.prefix;
  const auto count = [](std::int64_t n) { return Tensor::scalar(static_cast<double>(n), DType::f64); };
  NamedTensors entries{{prefix + ".steps", count(steps_)}};
  for (const Slot& slot : slots_) {
    entries.emplace_back(text(prefix, ".steps.", slot.name), count(slot.updates));
    for (std::size_t k = 0; k < rule_.state.size(); ++k)
      entries.emplace_back(text(prefix, ".", rule_.state[k], ".", slot.name), slot.state[k].clone());
  }
  return entries;
}

namespace {

// A part of the report of load_state: "missing: a, b and 3 more".
struct Listed {
  const char* label;
  std::vector<std::string> items{};

  void append_to(std::string& out) const {
    constexpr std::size_t kShown = 4;
    if (items.empty()) return;
    append(out, out.empty() ? "" : "\n  ");
    append(out, label);
    for (std::size_t i = 0; i < std::min(items.size(), kShown); ++i) {
      append(out, i == 0 ? ": " : ", ");
      append(out, items[i]);
    }
    if (items.size() > kShown) append(out, text(" and ", items.size() - kShown, " more"));
  }
};

bool is_count(const Tensor& x) {
  return x.item() >= 0 && x.item() == std::floor(x.item()) && x.item() < 0x1p53;
}

}  // namespace

void Optimizer::load_state(const NamedTensors& state) {
  const NamedTensors own = this->state();
  std::unordered_map<std::string, const Tensor*> given;
  Listed missing{"missing"}, unexpected{"unexpected"}, different{"different"};
  for (const auto& [name, value] : state)
    if (!given.emplace(name, &value).second) unexpected.items.push_back(name + " for a second time");

  std::vector<const Tensor*> values;  // in the order of `own`
  for (const auto& [name, value] : own) {
    const auto found = given.extract(name);
    if (found.empty()) {
      missing.items.push_back(name);
      continue;
    }
    const Tensor& source = *found.mapped();
    values.push_back(&source);
    const bool counts = name.starts_with(text(rule_.prefix, ".steps"));
    if (!source.defined())
      different.items.push_back(name + " is undefined");
    else if (source.shape() != value.shape() || source.dtype() != value.dtype())
      different.items.push_back(
          text(name, " is ", source.dtype(), " ", source.shape(), ", not ", value.dtype(), " ", value.shape()));
    else if (counts && !is_count(source))
      different.items.push_back(text(name, " is ", source.item(), ", not a count"));
  }
  for (const auto& [name, value] : state)
    if (given.erase(name) > 0) unexpected.items.push_back(name);

  std::string report;
  for (const Listed* part : {&missing, &unexpected, &different}) part->append_to(report);
  if (!report.empty())
    throw ConfigError(
        {.what = text(rule_.name, ".load_state: the state does not fit: ", missing.items.size(), " missing, ",
                      unexpected.items.size(), " unexpected, ", different.items.size(), " different"),
         .expected = "the entries that state() has, each of its shape and type",
         .operands = report});

  auto next = values.begin();
  const auto count = [&] { return static_cast<std::int64_t>((*next++)->item()); };
  steps_ = count();
  for (Slot& slot : slots_) {
    slot.updates = count();
    for (Tensor& kept : slot.state) kept.copy_from(**next++);
  }
}

}  // namespace heed
