// Every recurrent model by name learns, in small.
#include "autograd/ops.h"
#include "data/evaluate.h"
#include "data/loader.h"
#include "data/split.h"
#include "data/vocabulary.h"
#include "layers/recurrent_presets.h"
#include "layers/recurrent_seq2seq.h"
#include "optim/adam.h"
#include "tests/catch.h"

namespace heed {
namespace {

// Numbers of three digits and the same turned round.
Pairs turned_numbers() {
  Rng rng(11);
  Pairs pairs;
  for (int i = 0; i < 400; ++i) {
    const std::string digits = std::to_string(rng.between(100, 999));
    pairs.push_back({digits, std::string(digits.rbegin(), digits.rend())});
  }
  return pairs;
}

struct Trained {
  double first_loss = 0, last_loss = 0, exact = 0;
};

Trained train(RecurrentSeq2seqConfig (*preset)(RecurrentSeq2seqConfig), int steps) {
  Rng rng(1);
  const auto [train, unseen] = split_leak_free(turned_numbers(), 0.1, rng);
  const Vocabulary characters(train);
  RecurrentSeq2seq model(preset({.vocabulary = characters.size(), .embedding = 8, .hidden = 24}), rng);
  Adam optimiser(model.parameters(), {.learning_rate = 5e-3});
  const Loader loader(train, characters, {.batch = 32});
  Trained trained;
  for (int step = 0; step < steps;)
    for (const Batch& batch : loader.epoch(rng)) {
      const auto forward = model.with_attention(batch.source, batch.target_in, &rng);
      Var loss = cross_entropy(forward.scores, batch.target_out);
      if (forward.auxiliary_loss.defined()) loss = loss + forward.auxiliary_loss;
      loss.backward();
      optimiser.step({.clip_norm = 5.0});
      optimiser.zero_grad();
      trained.last_loss = loss.item();
      if (step++ == 0) trained.first_loss = trained.last_loss;
      if (step == steps) break;
    }
  trained.exact = exact_match(model, unseen, characters);
  return trained;
}

}  // namespace

TEST_CASE("recurrent models: each by name learns to turn short numbers round") {
  struct Case {
    const char* name;
    RecurrentSeq2seqConfig (*preset)(RecurrentSeq2seqConfig);
  };
  const Case cases[] = {{"input feeding", input_feeding},
                        {"attention between", attention_between},
                        {"bidirectional", bidirectional_attention},
                        {"deep residual", deep_residual},
                        {"gnmt", gnmt},
                        {"coverage", coverage_attention},
                        {"copy", pointer_generator}};
  for (const Case& each : cases) {
    const Trained trained = train(each.preset, 250);
    INFO(each.name << ": exact " << trained.exact << ", loss " << trained.first_loss << " to "
                   << trained.last_loss);
    CHECK(trained.exact > 0.8);
    CHECK(trained.last_loss < 0.3);
  }
}

}  // namespace heed
