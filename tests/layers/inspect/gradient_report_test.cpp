#include "layers/inspect/gradient_report.h"

#include <cmath>

#include "core/reduce.h"
#include "layers/feed_forward.h"
#include "layers/linear.h"
#include "layers/rnn.h"
#include "tests/layers/inspect/every_model.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

// Maps one upon the other, with a sigmoid or a relu between them; the weights of all times a factor.
class Deep : public Module {
 public:
  Deep(int layers, double factor, bool rectified, Rng& rng) : Module("Deep"), rectified_(rectified) {
    for (int i = 0; i < layers; ++i) register_module(std::to_string(i), maps_.emplace_back(8, 8, rng));
    for (Var parameter : parameters()) scale(parameter.mutable_value(), factor);
  }
  Var operator()(Var x) const {
    const ErrorFrame frame = enter();
    for (const Linear& map : maps_) x = rectified_ ? relu(map(x)) : sigmoid(map(x));
    return x;
  }
  const std::deque<Linear>& maps() const { return maps_; }

 private:
  bool rectified_;
  std::deque<Linear> maps_;
};

GradientReport report_of(const Deep& model) {
  const Intermediates seen = record_intermediates(model);
  sum(square(model(some_features({5, 8})))).backward();
  return gradient_report(seen);
}

}  // namespace

TEST_CASE("gradient report: norms, and update to weight, are those of a straightforward computation") {
  Rng rng(1);
  const AttentionSeq2seq model({.vocabulary = 7, .embedding = 3, .hidden = 4}, rng);
  const Intermediates seen = record_intermediates(model);
  const Tokens ids{ids_of({1, 2, 3, 4}, {2, 2}), {}};
  cross_entropy(model(ids, ids), ids.ids).backward();
  const ParameterValues before(model);
  std::vector<double> norms;
  for (Var parameter : model.parameters()) {
    norms.push_back(norm(parameter.value()));
    add_scaled(parameter.mutable_value(), -0.1, parameter.grad().value());
  }
  const GradientReport report = gradient_report(seen, before);
  const std::vector<Var> parameters = model.parameters();
  REQUIRE(report.parameters.size() == parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ParameterGradient& each = report.parameters[i];
    const double gradient = norm(parameters[i].grad().value());
    CHECK(each.name == parameters[i].name());
    CHECK(each.shape == parameters[i].shape());
    CHECK(std::fabs(each.value.norm - norms[i]) < 1e-9);
    CHECK(std::fabs(each.gradient.norm - gradient) < 1e-9);
    REQUIRE(each.update_ratio.has_value());
    if (norms[i] == 0)  // biases start at 0
      CHECK(*each.update_ratio == INFINITY);
    else
      CHECK(std::fabs(*each.update_ratio - 0.1 * gradient / norms[i]) < 1e-4 * *each.update_ratio);
  }
  CHECK_FALSE(gradient_report(seen).parameters[0].update_ratio.has_value());
  const ParameterValues unchanged(model);
  for (const ParameterGradient& each : gradient_report(seen, unchanged).parameters)
    CHECK(each.update_ratio == 0);
  CHECK(report.nearest == "decoder.affine");
}

TEST_CASE("gradient report: layers whose gradient vanishes or explodes, seen from the loss") {
  Rng rng(1);
  const Deep sigmoids(12, 1, false, rng), large(12, 20, true, rng), fine(3, 2, true, rng);
  const GradientReport vanishing = report_of(sigmoids);
  CHECK(vanishing.nearest == "11");
  CHECK(vanishing.layers.front().flow == GradientFlow::vanishing);
  CHECK(vanishing.layers.front().share < kVanishing);
  CHECK(vanishing.layers.back().flow == GradientFlow::fine);
  CHECK(vanishing.layers.back().share == 1);
  for (std::size_t i = 1; i < vanishing.layers.size(); ++i)
    CHECK(vanishing.layers[i - 1].size < vanishing.layers[i].size);
  for (const LayerGradient& layer : report_of(fine).layers) CHECK(layer.flow == GradientFlow::fine);
}

TEST_CASE("gradient report: exploding, not finite, and no gradient at all") {
  class Chain : public Module {
   public:
    explicit Chain(double factor) : Module("Chain"), first_(factor), second_(factor), unused_(1) {
      register_module("first", first_);
      register_module("second", second_);
      register_module("unused", unused_);
    }
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      return second_(first_(x));
    }

   private:
    struct Factor : Module {
      explicit Factor(double factor) : Module("Factor") {
        factor_ = register_parameter("factor", Tensor::scalar(factor, DType::f64));
      }
      Var operator()(const Var& x) const {
        const ErrorFrame frame = enter();
        return x * factor_;
      }
      Var factor_;
    };
    Factor first_, second_, unused_;
  };
  const auto flows = [](double factor, double x) {
    const Chain model(factor);
    const Intermediates seen = record_intermediates(model);
    model(Var(Tensor::scalar(x, DType::f64))).backward();
    std::vector<GradientFlow> all;
    for (const LayerGradient& layer : gradient_report(seen).layers) all.push_back(layer.flow);
    return all;
  };
  using enum GradientFlow;
  using Flows = std::vector<GradientFlow>;
  // The gradients are factor x of both: the first layer's is x times the second factor, the second's x times
  // the first factor.
  CHECK(flows(1, 1) == Flows{fine, fine, none});
  CHECK(flows(1, INFINITY) == Flows{not_finite, not_finite, none});
  CHECK(flows(1, 0) == Flows{none, none, none});
}

TEST_CASE("gradient report: rows of an embedding that are not looked up do not make its gradient small") {
  Rng rng(1);
  const auto size = [&](std::int64_t rows) {
    Rng same(1);
    const Embedding table(rows, 3, same);
    const Intermediates seen = record_intermediates(table);
    sum(table(ids_of({0, 1}, {2})) * 2.0).backward();
    return gradient_report(seen).layers[0].size;
  };
  CHECK(std::fabs(size(2) - 2) < 1e-12);
  CHECK(std::fabs(size(1000) - 2) < 1e-12);
}

TEST_CASE("gradient report: units that are 0 for the whole batch, of relu and of an rnn with it") {
  Rng rng(1);
  FeedForward feed_forward({.width = 4, .inner = 6}, rng);
  for (Var parameter : feed_forward.parameters())
    if (parameter.name() == "inner.bias")
      for (const std::int64_t unit : {1, 4}) parameter.mutable_value().set({unit}, -1e3);
  {
    const Intermediates seen = record_intermediates(feed_forward);
    sum(square(feed_forward(some_features({50, 3, 4})))).backward();
    const GradientReport report = gradient_report(seen);
    REQUIRE(report.units.size() == 1);
    CHECK(report.units[0].path == "hidden");
    CHECK(report.units[0].units == 6);
    CHECK(report.units[0].dead == 2);
    CHECK(report.units[0].share() == 2.0 / 6);
  }
  RNN rnn(2, 3, rng, RnnActivation::relu);
  Var bias = rnn.parameters()[2];
  bias.mutable_value().set({2}, -1e3);
  const Intermediates seen = record_intermediates(rnn);
  sum(rnn(some_features({20, 4, 2})).hs).backward();
  const GradientReport report = gradient_report(seen);
  REQUIRE(report.units.size() == 1);
  CHECK(report.units[0].path == "hs");
  CHECK(report.units[0].dead == 1);
}

TEST_CASE("gradient report: of every model, as tables for a terminal and for a page") {
  for (const Watched& each : every_model()) {
    INFO(each.name);
    const Intermediates seen = record_intermediates(*each.model);
    each.loss().backward();
    const GradientReport report = gradient_report(seen);
    CHECK(report.parameters.size() == each.model->parameters().size());
    for (const LayerGradient& layer : report.layers) {
      INFO(layer.path << " " << layer.share);
      CHECK((layer.flow == GradientFlow::fine || layer.flow == GradientFlow::none));
    }
    for (const Table& table : {parameter_table(report), layer_table(report), unit_table(report)})
      CHECK(markup_fault(to_html(table)) == "");
    if (!report.parameters.empty()) CHECK(count_of(to_string(report), "verdict") == 1);
  }
}

}  // namespace heed::tests
