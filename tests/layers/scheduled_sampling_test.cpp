#include "layers/scheduled_sampling.h"

#include "autograd/ops.h"
#include "layers/seq2seq.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

struct Setting {
  Rng rng{5};
  AttentionSeq2seq model{{.vocabulary = 8, .embedding = 4, .hidden = 6, .end = -1}, rng};
  Tokens source{ids_of({4, 5, 6, 7, 3, 2, 6, 0}, {2, 4}), ids_of({4, 3}, {2})};
  Tokens target{ids_of({1, 5, 3, 7, 2, 1, 4, 4, 6, 3}, {2, 5}), {}};
  Setting() { take_random_parameters(model, rng); }
};

}  // namespace

TEST_CASE("scheduled sampling: with a share of 0 it is teacher forcing, gradients and all") {
  Setting s;
  const auto run = [&](const Var& scores) {
    cross_entropy(scores, ids_of({5, 3, 7, 2, 0, 4, 4, 6, 3, 0}, {2, 5})).backward();
    return scores.value();
  };
  const Tensor forced = run(s.model(s.source, s.target));
  const std::vector<Tensor> expected = take_gradients(s.model);
  const Tensor sampled = run(scheduled_sampling(s.model, s.source, s.target, 0, s.rng));
  CHECK(largest_difference(sampled, forced) < kTolerance);
  CHECK(largest_difference(take_gradients(s.model), expected) < kTolerance);
}

TEST_CASE("scheduled sampling: with a share of 1 the model sees what it writes itself, greedily") {
  Setting s;
  const Var scores = scheduled_sampling(s.model, s.source, s.target, 1, s.rng);
  const std::vector<Generated> written = s.model.generate(s.source, {.max_length = 5});
  const Tensor best = argmax(scores.value(), -1);
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t t = 0; t < 5; ++t)
      CHECK(static_cast<std::int32_t>(best.at({b, t})) ==
            written[static_cast<std::size_t>(b)].ids[static_cast<std::size_t>(t)]);
  sum(scores).backward();
  for (const Var& parameter : s.model.parameters()) CHECK(parameter.grad().defined());
}

TEST_CASE("scheduled sampling: a share between is a draw of the generator, told once a sequence and step") {
  Setting s;
  Rng first(3), second(3), other(4);
  const auto draw = [&](Rng& rng) {
    const NoGrad no_grad;
    return scheduled_sampling(s.model, s.source, s.target, 0.5, rng).value();
  };
  const Tensor once = draw(first);
  CHECK(identical(once, draw(second)));
  CHECK_FALSE(identical(once, draw(other)));
  CHECK(first.state().position == second.state().position);
  CHECK_THAT(thrown<ConfigError>([&] { scheduled_sampling(s.model, s.source, s.target, 1.5, first); }),
             ContainsSubstring("a share of 1.5") && ContainsSubstring("0 <= own <= 1"));
}

}  // namespace heed::tests
