// What the attention viewer's page is made of, before it is HTML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "layers/inspect/attention_page.h"
#include "layers/inspect/attention_statistics.h"

namespace heed::attention_view {

/// One map.
struct Head {
  std::string name{};               ///< "head 1"
  std::vector<double> weights{};    ///< [rows, columns]
  std::vector<double> entropies{};  ///< of each row, in bits; NaN where it looks nowhere
  HeadStatistics statistics{};
  double agreement = 0;  ///< with the layer's other heads, on average; NaN when it is alone
};
struct Layer {
  std::string name{};  ///< "layer 1"
  std::string path{};
  std::vector<Head> heads{};
};
/// Maps with the same rows and columns.
struct Group {
  std::string title{}, note{};
  bool of_steps = false;                       ///< rows are the steps of decoding
  bool is_rollout = false;                     ///< one layer, whose maps are those after each layer
  std::vector<std::string> rows{}, columns{};  ///< visible labels
  std::vector<Layer> layers{};
};

std::vector<Group> groups_of(const AttentionExample& example);

/// The weight that is drawn with the last colour: the greatest, and not much less than an even look has, so
/// that one is pale.
double darkest(const std::vector<double>& weights, std::size_t columns);

/// Weights rounded to three digits, in a character or two each: see the definition.
std::string packed(const std::vector<double>& weights);

/// What the page's script needs of all examples, as a JavaScript expression without <, > and &.
std::string script_data(const std::vector<AttentionExample>& examples,
                        const std::vector<std::vector<Group>>& groups);

/// The script, which finds that in DATA.
std::string_view script();

}  // namespace heed::attention_view
