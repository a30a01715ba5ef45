// DetectAnomaly over the models of the library: it raises no false alarm, and finds what is planted in them.
#include <cmath>

#include "autograd/backward.h"
#include "autograd/hooks.h"
#include "autograd/inspect/anomaly.h"
#include "core/allocator.h"
#include "layers/beam_search.h"
#include "layers/inspect/intermediates.h"
#include "tests/layers/inspect/every_model.h"
#include "tests/markup.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// A step of gradient descent.
void update(Module& model) {
  for (Var parameter : model.parameters())
    if (parameter.grad().defined()) add_scaled(parameter.mutable_value(), -0.05, parameter.grad().value());
  model.zero_grad();
}

// What is found in one run of a model, forward and backward.
std::optional<Anomaly> found_in(const Watched& each) {
  const DetectAnomaly detect;
  try {
    each.loss().backward();
  } catch (const AnomalyError& error) {
    return error.anomaly();
  }
  return {};
}

}  // namespace

TEST_CASE(
    "anomaly: no false alarm in training any model, with padding, masks and dropout, and no bit changed") {
  std::vector<Watched> watched = every_model(), unwatched = every_model();
  for (std::size_t i = 0; i < watched.size(); ++i) {
    INFO(watched[i].name);
    for (int step = 0; step < 4; ++step) {
      unwatched[i].loss().backward();
      update(*unwatched[i].model);
      CHECK_FALSE(found_in(watched[i]).has_value());
      update(*watched[i].model);
    }
    const std::vector<Var> a = watched[i].model->parameters(), b = unwatched[i].model->parameters();
    for (std::size_t k = 0; k < a.size(); ++k) CHECK(identical(a[k].value(), b[k].value()));
  }
}

TEST_CASE("anomaly: no false alarm in second derivatives") {
  for (const Watched& each : every_model()) {
    INFO(each.name);
    const DetectAnomaly detect;
    const std::vector<Var> parameters = each.model->parameters();
    if (parameters.empty()) continue;
    const std::vector<Var> first =
        grad(std::array{each.loss()}, parameters, {.create_graph = true, .allow_unused = true});
    Var penalty(Tensor::scalar(0));
    for (const Var& gradient : first)
      if (gradient.defined()) penalty = penalty + sum(square(gradient));
    CHECK_NOTHROW(penalty.backward());
  }
}

TEST_CASE("anomaly: no false alarm in decoding, with scores of −∞ for what is banned") {
  Rng rng(1);
  const AttentionSeq2seq book({.vocabulary = 11, .embedding = 4, .hidden = 6}, rng);
  Transformer transformer({.vocabulary = 11, .layer = dropping_layer(0.1, 0.1)}, rng);
  transformer.eval();
  const Tokens source{some_ids({3, 7}, 11), ids_of({7, 3, 5}, {3})};
  const GenerateOptions options{.max_length = 6, .min_length = 2, .banned = {3, 4}, .no_repeat = 2};
  const DetectAnomaly detect;
  CHECK_NOTHROW(beam_search(book, source, {.beams = 3, .coverage = 0.2}, options));
  CHECK_NOTHROW(beam_search(transformer, source, {.beams = 3}, options));
  CHECK_NOTHROW(greedy(transformer, source, options));
}

TEST_CASE("anomaly: a NaN in any parameter is found where that parameter is first used") {
  for (const Watched& each : every_model())
    for (Var parameter : each.model->parameters()) {
      const Tensor kept = parameter.value().clone();
      parameter.mutable_value().fill(NAN);
      INFO(each.name << ": " << parameter.name());
      const Intermediates seen = record_intermediates(*each.model);
      const std::optional<Anomaly> found = found_in(each);
      if (seen.trace().has_seen(parameter)) {
        REQUIRE(found.has_value());
        CHECK_FALSE(found->in_backward);
        const bool uses_it =
            std::any_of(found->operands.begin(), found->operands.end(), [&](const auto& operand) {
              return operand.origin == text("parameter \"", parameter.name(), "\"") ||
                     operand.statistics.nan > 0;
            });
        CHECK(uses_it);
        CHECK(found->chain.front().name == text("parameter \"", parameter.name(), "\""));
      }
      parameter.mutable_value().copy_from(kept);
    }
}

TEST_CASE(
    "anomaly: a gradient that is not finite is found in the rule that the output's enters, in any model") {
  for (const Watched& each : every_model()) {
    INFO(each.name);
    const DetectAnomaly detect;
    const Var loss = each.loss();
    const std::string message =
        thrown<AnomalyError>([&] { loss.backward({.cotangent = Var(Tensor::scalar(NAN))}); });
    CHECK(message.starts_with(text("AnomalyError: ", loss.operation(), ": the gradient of its output")));
    CHECK_THAT(message, ContainsSubstring("hint: backward started from it"));
  }
}

TEST_CASE(
    "anomaly: a gradient that turns bad on its way is found at the operation where it does, in any model") {
  struct Outputs : Observer {
    void recorded(const Recorded& r) override {
      if (r.output.requires_grad()) all.push_back(r.output);
    }
    std::vector<Var> all;
  };
  for (const Watched& each : every_model()) {
    INFO(each.name);
    std::size_t tried = 0, found = 0;
    for (std::size_t place = 0;; place += 5) {
      Var loss, bad;
      {
        Outputs outputs;
        loss = each.loss();
        if (place >= outputs.all.size()) break;
        bad = outputs.all[place];
      }
      add_hook(bad, [](const Var& dy) { return Var(Tensor::full(dy.shape(), NAN, dy.dtype())); });
      const DetectAnomaly detect;
      ++tried;
      try {
        loss.backward();
        --tried;  // no gradient comes there
      } catch (const AnomalyError& error) {
        found += error.anomaly().operation == bad.operation() &&
                 error.anomaly().at.line() == bad.recorded_by().line();
      }
    }
    CHECK(tried > 0);
    CHECK(found == tried);
  }
}

TEST_CASE("anomaly: what it says names the module and the line, forward and backward") {
  class Entropy : public Module {
   public:
    explicit Entropy(bool rooted) : Module("Entropy"), rooted_(rooted) {}
    Var operator()(const Var& p) const {
      const ErrorFrame frame = enter();
      return rooted_ ? sum(sqrt(p)) : -sum(p * log(p));
    }

   private:
    bool rooted_;
  };
  class Head : public Module {
   public:
    Head(bool rooted, Rng& rng) : Module("Head"), map_(3, 3, rng), entropy_(rooted) {
      register_module("map", map_);
      register_module("entropy", entropy_);
    }
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      return entropy_(relu(map_(x)));
    }

   private:
    Linear map_;
    Entropy entropy_;
  };
  class Model : public Module {
   public:
    Model(bool rooted, Rng& rng) : Module("Model"), head_(rooted, rng) { register_module("head", head_); }
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      return head_(x);
    }

   private:
    Head head_;
  };
  Rng rng(1);
  const Model forward(false, rng), backward(true, rng);
  const Var x = some_features({4, 3});
  const std::string in_forward = thrown<AnomalyError>([&] {
    const DetectAnomaly detect;
    forward(x);
  });
  CHECK(in_forward.starts_with("AnomalyError: log: its output [4, 3] is −∞ at ["));
  CHECK_THAT(in_forward, ContainsSubstring("operand 0: output of relu [4, 3]: 0 … "));
  CHECK_THAT(in_forward,
             ContainsSubstring("anomaly_in_models_test.cpp:") && ContainsSubstring("in \"head.entropy\""));
  CHECK_THAT(in_forward, ContainsSubstring("\n    linear  ") && ContainsSubstring("layers/linear.cpp:"));
  CHECK_THAT(in_forward, ContainsSubstring("in: Model / head / entropy (Entropy)"));
  const std::string in_backward = thrown<AnomalyError>([&] {
    const DetectAnomaly detect;
    backward(x).backward();
  });
  CHECK(in_backward.starts_with("AnomalyError: sqrt: the gradient of operand 0 [4, 3] is ∞ at ["));
  CHECK_THAT(in_backward, ContainsSubstring("gradient of the output [4, 3]: 1 throughout") &&
                              ContainsSubstring("in \"head.entropy\"") && ContainsSubstring("|gradient|"));
}

}  // namespace heed::tests
