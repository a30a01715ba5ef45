#include "autograd/inspect/anomaly.h"

#include <algorithm>
#include <cmath>

#include "autograd/node.h"
#include "core/plot.h"
#include "core/plot_text.h"

namespace heed {
namespace {

constexpr std::size_t kKept = 100'000;   // operations that the chain can go back to
constexpr std::size_t kShownLinks = 10;  // of a chain in a message
constexpr double kFollowLeaf = 10;       // times greater than what was computed

std::string place(const std::string& module, const SourceLocation& at) {
  return text(at.known() ? text(at) : "",
              module.empty() ? "" : text(at.known() ? " " : "", "in \"", module, "\""));
}

std::string range(const Magnitudes& m) {
  if (std::isnan(m.largest)) return "NaN";
  return m.smallest == m.largest ? short_number(m.smallest)
                                 : text(short_number(m.smallest), " … ", short_number(m.largest));
}

std::string written(const std::vector<std::int64_t>& index) {
  std::string out = "[";
  for (std::size_t i = 0; i < index.size(); ++i) append(out, text(i == 0 ? "" : ", ", index[i]));
  return out + "]";
}

std::string number(double value) { return std::isnan(value) ? "NaN" : short_number(value); }

// The lines of a chain, in columns.
std::string written(const std::vector<AnomalyLink>& chain) {
  const auto width_of = [](const std::string& content) {
    return static_cast<std::size_t>(plotting::display_width(plotting::code_points(content)));
  };
  std::size_t names = 0, ranges = 0;
  for (const AnomalyLink& link : chain) {
    names = std::max(names, width_of(link.name));
    ranges = std::max(ranges, width_of(range(link.magnitudes)));
  }
  std::string out;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (chain.size() > kShownLinks && i == 2) {  // how it began, and how it went on in the end
      append(out, text("\n    … ", chain.size() - kShownLinks, " more"));
      i += chain.size() - kShownLinks;
    }
    const AnomalyLink& link = chain[i];
    const std::string numbers = range(link.magnitudes), where = place(link.module, link.at);
    append(out, text("\n    ", link.name, std::string(names - width_of(link.name) + 2, ' '), numbers));
    if (!where.empty()) append(out, text(std::string(ranges - width_of(numbers) + 2, ' '), where));
  }
  return out;
}

Complaint complaint_of(const Anomaly& a, const std::string& hint) {
  std::string operands;
  for (const AnomalyOperand& each : a.operands)
    append(operands, text(operands.empty() ? "" : "\n  ", each.name, each.origin.empty() ? "" : ": ",
                          each.origin, " ", each.shape, ": ",
                          each.statistics.count > 0 ? to_string(each.statistics)
                                                    : text("|value| ", range(each.magnitudes))));
  if (const std::string where = place(a.module, a.at); !where.empty())
    append(operands, text(operands.empty() ? "" : "\n  ", "called at ", where));
  if (a.chain.size() > 1)
    append(operands, text("\n  how it came, with the least and the greatest |",
                          a.in_backward ? "gradient" : "value", "|:", written(a.chain)));
  return {.what = text(a.operation, ": ", a.what, " ", a.shape, " is ", number(a.value), " at ",
                       written(a.index), ": ", to_string(a.statistics)),
          .expected = a.in_backward ? "finite gradients" : "a finite output",
          .operands = operands,
          .hint = hint};
}

// What is to be said of a tensor that is not finite.
void describe(Anomaly& anomaly, const Tensor& x) {
  anomaly.shape = x.shape();
  anomaly.statistics = statistics_of(x);
  anomaly.index = first_not_finite(x).value();
  Tensor element = x;
  for (const std::int64_t position : anomaly.index) element = element.select(0, position);
  anomaly.value = element.item();
}

bool holds_negative_infinity(const Var& operand) {
  const Tensor& value = operand.node()->value;
  return !magnitudes_of(value).finite() && statistics_of(value).negative_infinite > 0;
}

// −∞ that is meant: see the header.
bool is_meant(const Observer::Recorded& operation) {
  const Statistics output = statistics_of(operation.output.node()->value);
  if (output.nan > 0 || output.positive_infinite > 0) return false;
  return !operation.output.requires_grad() ||
         std::any_of(operation.operands.begin(), operation.operands.end(), [](const Var* operand) {
           return operand->defined() && holds_negative_infinity(*operand);
         });
}

AnomalyLink link_of(const Node& node, const Magnitudes& magnitudes) {
  return {node.operation, node.module_path(), node.recorded_by(), magnitudes};
}

}  // namespace

AnomalyError::AnomalyError(Anomaly anomaly, const std::string& hint)
    : Error("AnomalyError", complaint_of(anomaly, hint)), anomaly_(std::move(anomaly)) {}

// ---- what is known of values

const DetectAnomaly::Known* DetectAnomaly::find(Key key) const {
  const auto found = known_.find(key);
  return found == known_.end() ? nullptr : &found->second;
}

void DetectAnomaly::remember(Key key, Known known) {
  if (!known_.try_emplace(key, std::move(known)).second) return;
  order_.push_back(key);
  if (order_.size() <= kKept) return;
  known_.erase(order_.front());
  order_.pop_front();
}

void DetectAnomaly::remember_operands(const Recorded& operation) {
  for (const Var* const operand : operation.operands) {
    if (!operand->defined() || find(operand->node()->recorded_at) != nullptr) continue;
    const Node& node = *operand->node();
    const Tensor& value = node.value;
    const bool has_origin = value.defined() && value.origin() != "a tensor";
    remember(
        node.recorded_at,
        {.link = {has_origin ? value.origin() : node.operation, {}, node.recorded_by(), magnitudes_of(value)},
         .shape = value.shape(),
         .leaf = true});
  }
}

void DetectAnomaly::recorded(const Recorded& operation) {
  const Node& node = *operation.output.node();
  if (depth_ > 0 && !node.requires_grad) return;
  remember_operands(operation);
  std::vector<Key> operands;
  for (const Var* const operand : operation.operands)
    operands.push_back(operand->defined() ? operand->node()->recorded_at : 0);
  const Magnitudes magnitudes = magnitudes_of(node.value);
  Known known{.link = link_of(node, magnitudes), .shape = node.value.shape(), .operands = std::move(operands)};
  // Of several outputs the rules belong to a node of their own.
  if (operation.id != node.recorded_at) remember(operation.id, known);
  remember(node.recorded_at, std::move(known));
  if (depth_ == 0 && !magnitudes.finite() && !is_meant(operation)) throw_output(operation);
}

// ---- forward

AnomalyOperand DetectAnomaly::operand_of(std::size_t position, Key key, const Tensor& value) const {
  AnomalyOperand operand{.name = text("operand ", position)};
  if (const Known* const known = find(key); known != nullptr) {
    operand.origin = known->leaf ? known->link.name : text("output of ", known->link.name);
    operand.shape = known->shape;
    operand.magnitudes = known->link.magnitudes;
  }
  if (value.defined()) {
    operand.shape = value.shape();
    operand.statistics = statistics_of(value);
  }
  return operand;
}

void DetectAnomaly::throw_output(const Recorded& operation) const {
  const Node& node = *operation.output.node();
  Anomaly anomaly{.operation = node.operation, .module = node.module_path(), .at = node.recorded_by()};
  anomaly.what = operation.outputs > 1 ? text("its output ", operation.index) : "its output";
  describe(anomaly, node.value);
  for (std::size_t i = 0; i < operation.operands.size(); ++i)
    if (const Var& operand = *operation.operands[i]; operand.defined())
      anomaly.operands.push_back(operand_of(i, operand.node()->recorded_at, operand.node()->value));
  anomaly.chain = forward_chain(operation);
  throw AnomalyError(std::move(anomaly));
}

// From each operation to the operand with the greatest numbers, NaN above all.
std::vector<AnomalyLink> DetectAnomaly::forward_chain(const Recorded& operation) const {
  std::vector<AnomalyLink> chain;
  const Known* at = find(operation.output.node()->recorded_at);
  while (at != nullptr) {
    chain.push_back(at->link);
    const Known* next = nullptr;
    double greatest = -1;
    for (const Key key : at->operands) {
      const Known* const operand = find(key);
      if (operand == nullptr) continue;
      double size = operand->link.magnitudes.largest / (operand->leaf ? kFollowLeaf : 1);
      if (std::isnan(size)) size = INFINITY;
      if (size <= greatest && next != nullptr) continue;
      greatest = size;
      next = operand;
    }
    at = next;
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// ---- backward

void DetectAnomaly::sweep_began(const SourceLocation&) {
  sweeps_.push_back(depth_);
  if (depth_ > 0) return;
  arrived_.clear();
  sources_.clear();
}

// However the sweep ended, rules that were running within it are not any more.
void DetectAnomaly::sweep_ended() {
  if (sweeps_.empty()) return;  // it began before this was there
  depth_ = sweeps_.back();
  sweeps_.pop_back();
  if (depth_ == 0) dys_.clear();
}

void DetectAnomaly::note_source(Key of, Key from, double largest) {
  Source& source = sources_[of];
  if (largest > source.largest) source = {from, largest};
}

void DetectAnomaly::reached(const Node& node, std::span<const Var> dy) {
  if (depth_ == 0) {
    Magnitudes greatest;
    dys_.clear();
    for (const Var& each : dy) {
      if (!each.defined()) continue;
      const Magnitudes its = magnitudes_of(each.node()->value);
      if (!(its.largest < greatest.largest)) greatest = its;
      dys_.push_back(each.node()->value);
    }
    const bool from_uses = sources_.contains(node.recorded_at);
    arrived_[node.recorded_at] = {link_of(node, greatest), from_uses ? sources_[node.recorded_at].from : 0};
    if (&node.whole() != &node) note_source(node.whole().recorded_at, node.recorded_at, greatest.largest);
    for (const Tensor& each : dys_)
      if (!magnitudes_of(each).finite())
        throw_gradient(node, "the gradient of its output", each,
                       from_uses ? "it was finite from each use: their sum, or a hook, is not"
                                 : "backward started from it");
  }
  ++depth_;
}

void DetectAnomaly::rule_returned(const Node& node, std::size_t operand, const Var& gradient) {
  if (depth_ != 1 || !gradient.defined()) return;
  const Tensor& value = gradient.node()->value;
  const Magnitudes magnitudes = magnitudes_of(value);
  if (!magnitudes.finite()) throw_gradient(node, text("the gradient of operand ", operand), value, {});
  for (const Edge& edge : node.edges())
    if (edge.input != nullptr && static_cast<std::size_t>(edge.position) == operand)
      note_source(edge.input->recorded_at, node.recorded_at, magnitudes.largest);
}

void DetectAnomaly::left(const Node&) {
  if (depth_ > 0) --depth_;
}

// What a rule works with: the gradients of its outputs, the output, the operands.
std::vector<AnomalyOperand> DetectAnomaly::rule_operands(const Node& node) const {
  std::vector<AnomalyOperand> operands;
  for (const Tensor& dy : dys_)
    operands.push_back(
        {.name = "gradient of the output", .shape = dy.shape(), .statistics = statistics_of(dy)});
  if (node.value.defined())
    operands.push_back(
        {.name = "output", .shape = node.value.shape(), .statistics = statistics_of(node.value)});
  const Known* const known = find(node.recorded_at);
  for (std::size_t i = 0; known != nullptr && i < known->operands.size(); ++i) {
    Tensor value;
    for (const Edge& edge : node.edges())
      if (edge.input != nullptr && edge.input->recorded_at == known->operands[i]) value = edge.input->value;
    if (known->operands[i] != 0) operands.push_back(operand_of(i, known->operands[i], value));
  }
  return operands;
}

std::vector<AnomalyLink> DetectAnomaly::backward_chain(Key key) const {
  std::vector<AnomalyLink> chain;
  for (auto at = arrived_.find(key); at != arrived_.end(); at = arrived_.find(at->second.from))
    chain.push_back(at->second.link);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

void DetectAnomaly::throw_gradient(const Node& node, std::string what, const Tensor& gradient,
                                   const std::string& hint) const {
  Anomaly anomaly{.operation = node.operation,
                  .module = node.module_path(),
                  .at = node.recorded_by(),
                  .in_backward = true,
                  .what = std::move(what)};
  describe(anomaly, gradient);
  anomaly.operands = rule_operands(node);
  anomaly.chain = backward_chain(node.recorded_at);
  throw AnomalyError(std::move(anomaly), hint);
}

}  // namespace heed
