#include "autograd/inspect/graph_labels.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/plot.h"
#include "core/plot_text.h"
#include "core/reduce.h"
#include "core/value_text.h"

namespace heed::drawing {
namespace {

constexpr std::size_t kLongestName = 28;

std::string cut_name(std::string_view name) { return one_line(name, kLongestName); }

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  forward += other.forward;
  backward += other.backward;
  bytes += other.bytes;
  return *this;
}

LabelledScene::LabelledScene(const Trace& trace, bool gradients)
    : trace_(trace), gradients_(gradients), scene_(scene_of(trace)) {
  if (scene_.items.front().parts.empty())
    throw GraphError({.what = "graph: there is no operation in the trace",
                      .hint = "compute something while the Trace lives, or give it a graph with add_graph()"});
  costs_.resize(scene_.items.size());
  for (std::size_t i = scene_.items.size(); i-- > 0;) {  // parts come after the groups around them
    const Item& item = scene_.items[i];
    if (item.kind == Item::Kind::operation) {
      const TracedOperation& its = operation(item);
      costs_[i] = {its.forward, its.backward, 0};
      for (const std::size_t output : its.outputs)
        if (!is_view(its)) costs_[i].bytes += bytes_of(trace.values()[output].value);
    }
    if (item.around != kNone) costs_[item.around] += costs_[i];
  }
  for (const TracedOperation& operation : trace.operations()) {
    std::vector<double> norms(operation.operands.size(), -1);
    for (std::size_t k = 0; k < norms.size(); ++k)
      if (const Tensor& gradient = operation.operand_gradients[k]; gradient.defined())
        norms[k] = norm(sum_to(gradient, trace.values()[operation.operands[k]].value.shape()));
    norms_.push_back(std::move(norms));
  }
}

// Whether the output shares its elements with an operand, as that of reshape() does.
bool LabelledScene::is_view(const TracedOperation& operation) const {
  const Tensor& output = trace_.values()[operation.outputs.front()].value;
  return std::any_of(operation.operands.begin(), operation.operands.end(), [&](std::size_t place) {
    if (place == kNone) return false;
    const Tensor& operand = trace_.values()[place].value;
    return operand.defined() && output.defined() && &operand.storage() == &output.storage();
  });
}

std::string LabelledScene::shape_or_value(const TracedValue& value) const {
  if (value.value.count() == 1 && value.value.rank() == 0 && value.value.defined())
    return text("= ", written_numbers(value.value, 1));
  return to_string(value.value.shape());
}

std::string LabelledScene::gradient(const TracedValue& value) const {
  if (!gradients_ || !value.gradient.defined()) return {};
  return value.gradient.rank() == 0 ? text(", d = ", written_numbers(value.gradient, 1))
                                    : text(", ‖d‖ ", short_number(norm(value.gradient)));
}

std::string LabelledScene::name(std::size_t i) const {
  const Item& its = item(i);
  switch (its.kind) {
    case Item::Kind::leaf:
      return text(cut_name(its.name), " ", shape_or_value(value(its)), gradient(value(its)));
    case Item::Kind::loop:
    case Item::Kind::steps:
      return text(cut_name(its.name), " × ", its.repeats);
    default:
      return cut_name(its.name);
  }
}

std::string LabelledScene::about(std::size_t i) const {
  const Item& its = item(i);
  if (its.is_group()) return written_count(its.operations, "operation");
  if (its.kind != Item::Kind::operation) return {};
  const std::vector<std::size_t>& outputs = operation(its).outputs;
  const TracedValue& first = trace_.values()[outputs.front()];
  return text(shape_or_value(first), gradient(first),
              outputs.size() > 1 ? text(" and ", outputs.size() - 1, " more") : "");
}

std::vector<Size> LabelledScene::sizes() const {
  // Widths of a character in the sizes of the style sheet, somewhat too large rather than too small.
  constexpr double kName = 8, kAbout = 6.5, kOfLeaf = 6.6;
  const auto columns = [](const std::string& text) {
    return plotting::display_width(plotting::code_points(text));
  };
  std::vector<Size> sizes;
  for (std::size_t i = 0; i < scene_.items.size(); ++i) {
    const Item& its = item(i);
    if (its.is_gate()) {
      sizes.push_back({0, 0});
    } else if (its.kind == Item::Kind::leaf) {
      sizes.push_back({std::ceil(kOfLeaf * columns(name(i))) + 22, 22});
    } else {
      const double wide = std::max(kName * columns(name(i)), kAbout * columns(about(i)));
      sizes.push_back({std::ceil(wide) + (its.is_group() ? 48 : 26), its.is_group() ? 46.0 : 40.0});
    }
  }
  return sizes;
}

std::string LabelledScene::kind(std::size_t i) const {
  const Item& its = item(i);
  switch (its.kind) {
    case Item::Kind::operation:
      if (operation(its).reached == 1) return "operation last";
      return is_view(operation(its)) ? "operation view" : "operation";
    case Item::Kind::leaf:
      return value(its).requires_grad ? "leaf parameter" : "leaf constant";
    case Item::Kind::module:
      return "group module";
    case Item::Kind::loop:
    case Item::Kind::steps:
      return "group loop";
    default:
      return "group part";
  }
}

double LabelledScene::gradient_norm(const Arrow& arrow) const {
  double squares = -1;
  for (const Use& use : arrow.uses)
    if (const double norm = gradient_norm(use); norm >= 0) squares = std::max(squares, 0.0) + norm * norm;
  return squares < 0 ? -1 : std::sqrt(squares);
}

std::string LabelledScene::carried(const Arrow& arrow) const {
  std::set<std::size_t> values;
  for (const Use& use : arrow.uses) values.insert(value_of(use));
  const TracedValue& first = trace_.values()[*values.begin()];
  if (values.size() == 1)
    return text(first.name.empty() ? first.kind : cut_name(first.name), " ", shape_or_value(first));
  const bool alike = std::all_of(values.begin(), values.end(), [&](std::size_t value) {
    return trace_.values()[value].value.shape() == first.value.shape();
  });
  return text(written_count(values.size(), "value"), alike ? text(" ", first.value.shape(), " each") : "");
}

std::size_t LabelledScene::item_of(std::size_t value) const {
  if (scene_.of_value[value] != kNone) return scene_.of_value[value];
  return scene_.of_operation[trace_.values()[value].operation - 1];
}

std::string LabelledScene::source(std::size_t value) const {
  const TracedValue& its = trace_.values()[value];
  return its.name.empty() ? std::string(its.kind) : text("\"", one_line(its.name, 60), "\"");
}

}  // namespace heed::drawing
