// What the page of a graph says of a chosen item.
#pragma once

#include <string>
#include <vector>

#include "autograd/inspect/graph_drawing.h"
#include "autograd/inspect/graph_labels.h"

namespace heed::drawing {

/// A line of a section; with `item` its text leads to that one.
struct DetailRow {
  std::string label{}, text{};
  std::size_t item = kNone;
};
struct DetailSection {
  std::string heading{};
  std::vector<DetailRow> rows{};
};
struct Details {
  std::string title{};
  std::vector<DetailSection> sections{};
};

/// Formula, line, values, gradients, cost, operands and users of an operation; the same of a leaf, as far as it
/// has them; cost and parts of a group.
class ItemDetails {
 public:
  ItemDetails(const LabelledScene& labelled, const GraphOptions& options);
  Details operator()(std::size_t item) const;

 private:
  Details of_operation(std::size_t item) const;
  Details of_leaf(std::size_t item) const;
  Details of_group(std::size_t item) const;
  DetailSection of_value(const std::string& heading, std::size_t value) const;
  DetailSection users(const std::vector<std::size_t>& values) const;
  DetailSection operands(const TracedOperation& operation, const std::vector<std::string>& names) const;
  std::string module_of(std::size_t item) const;

  const LabelledScene& labelled_;
  GraphOptions options_;
  std::vector<std::vector<Use>> users_;        // by value
  std::vector<std::int64_t> parameters_;       // by item: elements of the parameters in it
  std::vector<std::size_t> parameter_counts_;  // and how many they are
};

}  // namespace heed::drawing
