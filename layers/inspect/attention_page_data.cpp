#include "layers/inspect/attention_page_data.h"

#include <algorithm>
#include <cmath>

#include "core/page.h"
#include "core/plot.h"
#include "core/plot_text.h"

namespace heed::attention_view {
namespace {

constexpr std::size_t kLongestLabel = 24;

std::vector<std::string> visible(const std::vector<std::string>& tokens) {
  std::vector<std::string> labels;
  for (const std::string& token : tokens)
    labels.push_back(plotting::utf8(plotting::label_points(token, kLongestLabel)));
  return labels;
}

std::vector<std::string> numbers(std::int64_t n) {
  std::vector<std::string> labels;
  for (std::int64_t i = 1; i <= n; ++i) labels.push_back(std::to_string(i));
  return labels;
}

// Names for the places of an axis; fewer of them than places: the others are padding.
std::vector<std::string> along(const std::vector<std::string>& tokens, std::int64_t places, const char* what,
                               const std::string& path) {
  if (tokens.empty()) return numbers(places);
  if (static_cast<std::int64_t>(tokens.size()) > places)
    throw ShapeError({.what = text("attention page: ", tokens.size(), " ", what, " tokens, \"", path, "\" has ",
                                   places, " of their places"),
                      .expected = "at most as many tokens as places"});
  return visible(tokens);
}

// What the decoder was given at each step: the start, then what it wrote before.
std::vector<std::string> inputs_of(const AttentionExample& example) {
  if (example.target_tokens.empty()) return {};
  std::vector<std::string> inputs{example.start};
  inputs.insert(inputs.end(), example.target_tokens.begin(), example.target_tokens.end() - 1);
  return inputs;
}

const std::vector<std::string>& of_size(std::int64_t places, const std::vector<std::string>& first,
                                        const std::vector<std::string>& second) {
  static const std::vector<std::string> none;
  const auto fits = [&](const auto& tokens) { return static_cast<std::int64_t>(tokens.size()) == places; };
  return fits(first) ? first : fits(second) ? second : none;
}

Group empty_group(const AttentionExample& example, const RecordedAttention& layer) {
  const std::int64_t T = layer.weights.extent(1), S = layer.weights.extent(2);
  const auto named = [&](const std::vector<std::string>& tokens, std::int64_t places, const char* what) {
    return along(tokens, places, what, layer.path);
  };
  switch (layer.sides) {
    case AttentionSides::source_to_source:
      return {.title = "The source looks at itself",
              .note = "A row is a place of the source, columns are the places that it looks at.",
              .rows = named(example.source_tokens, T, "source"),
              .columns = named(example.source_tokens, S, "source")};
    case AttentionSides::target_to_target:
      return {.title = "What was written looks at itself",
              .note = "A row is a step, named by what was written in it; columns are what had been read.",
              .of_steps = true,
              .rows = named(example.target_tokens, T, "target"),
              .columns = named(inputs_of(example), S, "target")};
    case AttentionSides::target_to_source:
      return {.title = "What is written looks at the source",
              .note = "A row is a step, named by what was written in it; columns are places of the source.",
              .of_steps = true,
              .rows = named(example.target_tokens, T, "target"),
              .columns = named(example.source_tokens, S, "source")};
    case AttentionSides::unknown:
      break;
  }
  const auto& rows = of_size(T, example.target_tokens, example.source_tokens);
  return {.title = layer.path.empty() ? "Heads" : layer.path,
          .note = "A row is a step, columns are the places that it looks at.",
          .of_steps = rows == example.target_tokens,
          .rows = named(rows, T, "target"),
          .columns = named(of_size(S, example.source_tokens, {}), S, "source")};
}

// "decoder.10.self_attention" -> "layer 11".
std::string name_of(const std::string& path) {
  std::string name = path.substr(path.rfind('.') + 1);
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('.', at), path.size());
    const std::string part = path.substr(at, end - at);
    if (!part.empty() && part.find_first_not_of("0123456789") == std::string::npos && part.size() < 9)
      name = text("layer ", std::stoi(part) + 1);
    at = end + 1;
  }
  return name.empty() ? "model" : name;
}

bool same_places(const Tensor& a, const Tensor& b) {
  return a.extent(1) == b.extent(1) && a.extent(2) == b.extent(2);
}

// A layer's maps [H, T, S] without padding.
Layer measured(std::string name, std::string path, const Tensor& weights, const Group& group) {
  const Tensor real = weights.slice(1, 0, static_cast<std::int64_t>(group.rows.size()))
                          .slice(2, 0, static_cast<std::int64_t>(group.columns.size()));
  Layer layer{std::move(name), std::move(path), {}};
  const std::vector<HeadStatistics> statistics = head_statistics(real);
  const Tensor entropies = attention_entropy(real, EntropyUnit::bits), agreement = head_agreement(real);
  const std::int64_t heads = real.extent(0);
  for (std::int64_t h = 0; h < heads; ++h) {
    double others = 0;
    for (std::int64_t other = 0; other < heads; ++other) others += other == h ? 0 : agreement.at({h, other});
    layer.heads.push_back({.name = text("head ", h + 1),
                           .weights = real.select(0, h).to_vector(),
                           .entropies = entropies.select(0, h).to_vector(),
                           .statistics = statistics[static_cast<std::size_t>(h)],
                           .agreement = others / static_cast<double>(heads - 1)});
  }
  return layer;
}

std::vector<Tensor> weights_of(const AttentionExample& example, AttentionSides sides) {
  std::vector<Tensor> all;
  for (const RecordedAttention& layer : example.layers)
    if (layer.sides == sides) all.push_back(layer.weights);
  return all;
}

// The maps after each layer as heads of one.
void add_rollout(std::vector<Group>& groups, const AttentionExample& example, AttentionSides sides,
                 const std::string& title, const std::vector<Tensor>& after) {
  const auto of = std::find_if(example.layers.begin(), example.layers.end(),
                               [&](const RecordedAttention& layer) { return layer.sides == sides; });
  Group group = empty_group(example, *of);
  group.title = title;
  group.note =
      "What a row is made of after each layer, if layers mix by attention alone and keep half of what a "
      "place has (Abnar and Zuidema 2020).";
  group.is_rollout = true;
  Layer maps{"rollout", "", {}};
  for (std::size_t i = 0; i < after.size(); ++i) {
    Layer one = measured("", "", after[i].unsqueeze(0), group);
    one.heads.front().name = text("after layer ", i + 1);
    maps.heads.push_back(std::move(one.heads.front()));
  }
  group.layers.push_back(std::move(maps));
  groups.push_back(std::move(group));
}

void add_rollouts(std::vector<Group>& groups, const AttentionExample& example) {
  const std::vector<Tensor> encoder = weights_of(example, AttentionSides::source_to_source),
                            self = weights_of(example, AttentionSides::target_to_target),
                            cross = weights_of(example, AttentionSides::target_to_source);
  Tensor states;
  if (!encoder.empty()) {
    const std::vector<Tensor> after = attention_rollout(encoder);
    states = after.back();
    add_rollout(groups, example, AttentionSides::source_to_source,
                "Rollout: what the source's states are made of", after);
  }
  if (self.empty()) return;
  if (cross.size() == self.size()) {
    const DecoderRollout after = decoder_rollout(self, cross, states);
    add_rollout(groups, example, AttentionSides::target_to_source,
                "Rollout: what steps take from the source, through all layers", after.source);
    add_rollout(groups, example, AttentionSides::target_to_target,
                "Rollout: what steps take from what was written", after.target);
  } else {
    add_rollout(groups, example, AttentionSides::target_to_target, "Rollout: what steps are made of",
                attention_rollout(self));
  }
}

// ---- JSON
// -------------------------------------------------------------------------------------------------------------

template <class Items, class Write>
std::string listed(const Items& items, Write write) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ",";
    out += write(item);
  }
  return out + "]";
}

std::string rounded(double value) { return std::isfinite(value) ? short_number(value) : "null"; }

std::string to_script(const Group& group) {
  const auto of_head = [](const Head& head) {
    return text("{name:", script_string(head.name), ",looks:", script_string(where_it_looks(head.statistics)),
                ",entropies:", listed(head.entropies, rounded), ",data:\"", packed(head.weights), "\"}");
  };
  const auto of_layer = [&](const Layer& layer) {
    return text("{name:", script_string(layer.name), ",path:", script_string(layer.path),
                ",heads:", listed(layer.heads, of_head), "}");
  };
  return text("{title:", script_string(group.title), ",steps:", group.of_steps ? "true" : "false",
              ",rollout:", group.is_rollout ? "true" : "false", ",rows:", listed(group.rows, script_string),
              ",columns:", listed(group.columns, script_string), ",layers:", listed(group.layers, of_layer),
              "}\n");
}

}  // namespace

std::vector<Group> groups_of(const AttentionExample& example) {
  std::vector<Group> groups;
  const RecordedAttention* before = nullptr;
  for (const RecordedAttention& layer : example.layers) {
    const bool goes_on = before != nullptr && layer.sides == before->sides &&
                         layer.sides != AttentionSides::unknown && same_places(layer.weights, before->weights);
    if (!goes_on) groups.push_back(empty_group(example, layer));
    before = &layer;
    groups.back().layers.push_back(measured(name_of(layer.path), layer.path, layer.weights, groups.back()));
  }
  add_rollouts(groups, example);
  return groups;
}

double darkest(const std::vector<double>& weights, std::size_t columns) {
  double greatest = std::min(1.0, 4.0 / static_cast<double>(std::max<std::size_t>(1, columns)));
  for (const double weight : weights)
    if (weight > greatest) greatest = weight;
  return greatest;
}

// Of 64 characters, the first 32 begin a weight in thousandths, in base 32 with the second character, where
// 1023 is not a number; the others stand for a run of 1 to 32 zeros.
std::string packed(const std::vector<double>& weights) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::size_t zeros = 0;
  const auto end_run = [&] {
    if (zeros > 0) out += kDigits[31 + zeros];
    zeros = 0;
  };
  for (const double weight : weights) {
    const auto value =
        static_cast<std::size_t>(std::isnan(weight) ? 1023 : std::lround(1000 * std::clamp(weight, 0.0, 1.0)));
    if (value == 0) {
      if (++zeros == 32) end_run();
      continue;
    }
    end_run();
    out += kDigits[value / 32];
    out += kDigits[value % 32];
  }
  end_run();
  return out;
}

std::string script_data(const std::vector<AttentionExample>& examples,
                        const std::vector<std::vector<Group>>& groups) {
  const auto of_candidate = [](const Candidate& candidate) {
    return text("[", script_string(visible({candidate.token}).front()), ",", rounded(candidate.probability),
                "]");
  };
  std::string out = "[";
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto& [rows, columns, before] = examples[i].patches;
    out += text(i > 0 ? "," : "", "{candidates:",
                listed(examples[i].candidates, [&](const auto& step) { return listed(step, of_candidate); }),
                ",patches:[", rows, ",", columns, ",", before, "],groups:", listed(groups[i], to_script), "}");
  }
  return out + "]";
}

}  // namespace heed::attention_view
