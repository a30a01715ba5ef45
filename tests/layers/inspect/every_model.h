// What the tests of inspection share: every model and layer of the library, small, with a loss to look at.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "layers/language_model.h"
#include "layers/masked_language_model.h"
#include "layers/ntm.h"
#include "layers/recurrent_stack.h"
#include "layers/scored_attention.h"
#include "layers/self_attention.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"
#include "layers/vision_transformer.h"
#include "tests/layers/layer_testing.h"
#include "tests/layers/model_testing.h"

namespace heed::tests {

struct Watched {
  std::string name;
  std::shared_ptr<Module> model;
  std::function<Var()> loss;  ///< of one batch, with padding where the model takes lengths; dropout begins anew
};

/// A model as `Watched` keeps it: run(model, dropout) gives the loss.
template <class Model, class Run>
Watched watched(std::string name, std::shared_ptr<Model> model, Run run) {
  return {std::move(name), model, [model, run] {
            Rng dropout(5);
            return Var(run(*model, dropout));
          }};
}

/// Random ids in [0, vocabulary).
inline Tensor some_ids(const Shape& shape, std::int32_t vocabulary) {
  Rng rng(3);
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < shape.count(); ++i)
    ids.push_back(static_cast<std::int32_t>(rng.below(vocabulary)));
  return ids_of(ids, shape);
}

inline Var some_features(const Shape& shape) {
  Rng rng(4);
  return Var(Tensor::normal(shape, 0, 1, rng));
}

inline std::vector<Watched> every_model() {
  constexpr std::int32_t kIds = 11;
  Rng rng(1);
  const Tokens source{some_ids({3, 7}, kIds), ids_of({7, 3, 5}, {3})};
  const Tokens target{some_ids({3, 5}, kIds), ids_of({5, 4, 2}, {3})};
  const Tensor answers = some_ids({3, 5}, kIds);
  const Var x = some_features({3, 7, 4});
  const Tensor lengths = source.lengths;
  std::vector<Watched> all;
  const auto add = [&](auto model, std::string name, auto run) {
    all.push_back(watched(std::move(name), std::move(model), std::move(run)));
  };

  const auto translates = [=](const auto& model, Rng&) {
    return cross_entropy(model(source, target), answers);
  };
  const Seq2seqConfig small{.vocabulary = kIds, .embedding = 4, .hidden = 6};
  add(std::make_shared<Seq2seq>(small, rng), "Seq2seq", translates);
  add(std::make_shared<PeekySeq2seq>(small, rng), "PeekySeq2seq", translates);
  add(std::make_shared<AttentionSeq2seq>(small, rng), "AttentionSeq2seq", translates);
  const auto with_dropout = [=](const auto& model, Rng& dropout) {
    return cross_entropy(model(source, target, &dropout), answers);
  };
  for (LayerForm form : layer_forms()) {
    form.layer.dropout = 0.1;
    add(std::make_shared<Transformer>(
            TransformerConfig{
                .vocabulary = kIds, .layer = form.layer, .embedded_positions = form.embedded, .max_length = 16},
            rng),
        text("Transformer, ", form.name), with_dropout);
  }
  add(std::make_shared<Transformer>(
          TransformerConfig{.vocabulary = kIds, .layer = dropping_layer(0.2, 0.3), .tied = TiedWeights::all},
          rng),
      "Transformer with dropout of attention", with_dropout);
  add(std::make_shared<LanguageModel>(
          LanguageModelConfig{.vocabulary = kIds, .layer = dropping_layer(0.2, 0), .max_length = 16}, rng),
      "LanguageModel", [=](const LanguageModel& model, Rng& dropout) {
        return cross_entropy(model(target, &dropout), answers);
      });
  add(std::make_shared<MaskedLanguageModel>(
          MaskedLanguageModelConfig{.vocabulary = kIds, .layer = dropping_layer(0.2, 0.1), .max_length = 16},
          rng),
      "MaskedLanguageModel", [=](const MaskedLanguageModel& model, Rng& dropout) {
        return cross_entropy(model(target, &dropout), answers);
      });
  add(std::make_shared<VisionTransformer>(
          VisionTransformerConfig{
              .height = 4, .width = 4, .patch = 2, .classes = 5, .layer = dropping_layer(0.1, 0)},
          rng),
      "VisionTransformer", [](const VisionTransformer& model, Rng& dropout) {
        return cross_entropy(model(some_features({3, 1, 4, 4}), &dropout), some_ids({3}, 5));
      });
  for (const NtmController controller : {NtmController::lstm, NtmController::feed_forward})
    add(std::make_shared<NTM>(
            NtmConfig{.in = 4, .out = 3, .rows = 5, .width = 3, .hidden = 6, .controller = controller}, rng),
        text("NTM ", static_cast<int>(controller)),
        [=](const NTM& model, Rng&) { return mean(square(model(x).y)); });

  const StackConfig stack{.in = 4, .hidden = 3, .layers = 2, .bidirectional = true, .dropout = 0.2};
  const auto reads = [=](const auto& model, Rng& dropout) {
    return mean(square(model(x, {}, lengths, &dropout).hs));
  };
  add(std::make_shared<RecurrentStack<RNN>>(stack, rng), "stack of RNN", reads);
  add(std::make_shared<RecurrentStack<GRU>>(stack, rng), "stack of GRU", reads);
  add(std::make_shared<RecurrentStack<LSTM>>(stack, rng), "stack of LSTM", reads);
  add(std::make_shared<RecurrentStack<LayerNormLSTM>>(stack, rng), "stack of LayerNormLSTM", reads);
  add(std::make_shared<TimeBiLSTM>(4, 3, rng), "TimeBiLSTM",
      [=](const TimeBiLSTM& model, Rng&) { return mean(square(model(x, lengths))); });

  const Mask padding = Mask::padding(lengths, 7);
  add(std::make_shared<SelfAttention>(SelfAttentionConfig{.width = 4}, rng), "SelfAttention",
      [=](const SelfAttention& model, Rng&) { return mean(square(model(x, padding))); });
  add(std::make_shared<Attention>(), "Attention", [=](const Attention& model, Rng&) {
    const Var hs = Var::parameter(x.value());
    return mean(square(model(hs, select(hs, 1, 2), Mask::attend(padding.attends().squeeze(1))).context));
  });
  for (const ScoreKind kind : {ScoreKind::dot, ScoreKind::scaled_dot, ScoreKind::general, ScoreKind::concat,
                               ScoreKind::additive, ScoreKind::projected})
    for (const std::int64_t window : {0, 2})
      add(std::make_shared<ScoredAttention>(
              ScoredAttentionConfig{.score = kind, .query_width = 4, .window = window}, rng),
          text("ScoredAttention ", static_cast<int>(kind), ", window ", window),
          [=](const ScoredAttention& model, Rng&) {
            const Var hs = Var::parameter(x.value());
            return mean(square(model(hs, slice(hs, 1, 0, 3), padding).context));
          });
  return all;
}

}  // namespace heed::tests
