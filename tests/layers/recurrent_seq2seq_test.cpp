#include "layers/recurrent_seq2seq.h"

#include "autograd/ops.h"
#include "core/reduce.h"
#include "layers/attention_maps.h"
#include "layers/beam_search.h"
#include "layers/coverage.h"
#include "layers/scheduled_sampling.h"
#include "tests/layers/recurrent_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Scores, weights, loss and all gradients of a fixture whose sizes are those of RecurrentCase.
void check_against(const std::string& file, RecurrentSeq2seqConfig config) {
  const Fixture numbers(file);
  Rng rng(1);
  RecurrentSeq2seq model(config, rng);
  take_parameters(model, numbers);
  const Tokens source{numbers.ids("source"), numbers.ids("source_lengths")};
  const Tokens target{numbers.ids("target_in"), numbers.ids("target_lengths")};
  const auto forward = model.with_attention(source, target);
  CHECK(largest_difference(forward.scores.value(), numbers["scores"]) < kTolerance);
  CHECK(largest_difference(forward.weights, numbers["weights"]) < kTolerance);
  REQUIRE(forward.auxiliary_loss.defined() == config.coverage);
  Var loss = cross_entropy(forward.scores, numbers.ids("target_out"));
  if (config.coverage) loss = loss + forward.auxiliary_loss;
  CHECK(largest_difference(loss.value(), numbers["loss"]) < kTolerance);
  loss.backward();
  CHECK(gradient_difference(model, numbers) < kTolerance);
}

constexpr RecurrentSeq2seqConfig kFixture{.vocabulary = 7, .embedding = 3, .hidden = 4};

RecurrentSeq2seqConfig as_given(RecurrentSeq2seqConfig config) {
  config.reverse_source = false;
  return config;
}

Tokens row_of(const Tokens& tokens, std::int64_t b) {
  const std::vector<std::int32_t> ids = tokens.sequence(b);
  return batch_of(std::span(&ids, 1), 0);
}

}  // namespace

TEST_CASE("recurrent seq2seq: input feeding is PyTorch's written out, sources read from the end") {
  check_against("recurrent_input_feeding", input_feeding(kFixture));
}

TEST_CASE("recurrent seq2seq: attention below GRUs, encoder both ways, is PyTorch's written out") {
  RecurrentSeq2seqConfig config = bidirectional_attention(as_given(kFixture));
  config.cell = CellKind::gru;
  check_against("recurrent_bidirectional", config);
}

TEST_CASE("recurrent seq2seq: gnmt with three layers is PyTorch's written out") {
  RecurrentSeq2seqConfig config = as_given(kFixture);
  config.layers = 3;
  check_against("recurrent_gnmt", gnmt(config));
}

TEST_CASE("recurrent seq2seq: the pointer-generator is PyTorch's written out, with coverage and its loss too") {
  RecurrentSeq2seqConfig config = pointer_generator(as_given(kFixture));
  check_against("recurrent_copy", config);
  config.coverage = true;
  check_against("recurrent_copy_coverage", config);
}

TEST_CASE("recurrent seq2seq: steps say what all at once does, behind select and beside copies") {
  for (const RecurrentForm& form : recurrent_forms()) {
    INFO(form.name);
    const RecurrentSetting s(form.config);
    check_passed(check_decode_parity(s.model, s.source, s.target));
  }
}

TEST_CASE("recurrent seq2seq: steps give the weights and gradients of teacher forcing") {
  for (const RecurrentForm& form : recurrent_forms()) {
    INFO(form.name);
    RecurrentSetting s(form.config);
    const auto forced = s.model.with_attention(s.source, s.target);
    sum(square(forced.scores)).backward();
    const std::vector<Tensor> gradients = take_gradients(s.model);
    auto state = s.model.start(s.source);
    std::vector<Var> scores;
    for (std::int64_t t = 0; t < s.target.time(); ++t) {
      const Step step = s.model.step(s.target.ids.select(1, t), state);
      CHECK(largest_difference(step.weights.value(), forced.weights.select(1, t)) < kTolerance);
      scores.push_back(step.scores);
    }
    sum(square(stack(scores, 1))).backward();
    // Relative to gradients of squares of scores, some of them logarithms of small probabilities.
    CHECK(largest_difference(take_gradients(s.model), gradients) < 1e-8);
    const Var sampled = scheduled_sampling(s.model, s.source, s.target, 0, s.rng);
    CHECK(largest_difference(sampled.value(), forced.scores.value()) < kTolerance);
  }
}

TEST_CASE("recurrent seq2seq: a sequence gives in a padded batch what it gives alone") {
  for (const RecurrentForm& form : recurrent_forms()) {
    INFO(form.name);
    const RecurrentSetting s(form.config);
    check_passed(check_batch_invariance(s.model, {s.source, s.target}));
    const auto weights = [&](const Tokens& source, const Tokens& target) {
      return Var(s.model.with_attention(source, target).weights);
    };
    check_passed(check_batch_invariance(weights, {s.source, s.target}));
  }
}

TEST_CASE("recurrent seq2seq: padding changes nothing, in values and gradients, nor in the coverage loss") {
  for (const RecurrentForm& form : recurrent_forms()) {
    INFO(form.name);
    RecurrentSetting s(form.config);
    check_passed(check_padding_invariance(s.model, s.model, {s.source, s.target}));
    if (!form.config.coverage) continue;
    const auto each = [&](const Tokens& source, const Tokens& target) {
      const Var loss = s.model.with_attention(source, target).auxiliary_loss;
      return expand(reshape(loss, {1}), Shape{source.batch()});
    };
    check_passed(check_padding_invariance(s.model, each, {s.source, s.target}));
  }
}

TEST_CASE("recurrent seq2seq: gradients of the loss of every model are those of finite differences") {
  for (const RecurrentForm& form : recurrent_forms()) {
    INFO(form.name);
    RecurrentSetting s(form.config, 0.5);
    const CheckReport report = check_gradients(s.model, [&] { return s.loss(); }, {.most = 12});
    check_passed(report);
  }
}

TEST_CASE("recurrent seq2seq: a beam search of width 1 is greedy") {
  for (const RecurrentForm& form : recurrent_forms()) {
    INFO(form.name);
    const RecurrentSetting s(form.config, 1.0);
    const GenerateOptions options{.max_length = 8};
    const std::vector<Generated> best = s.model.generate(s.source, options);
    const auto searched = beam_search(s.model, s.source, {.beams = 1}, options);
    for (std::size_t b = 0; b < 3; ++b) {
      CHECK(searched[b].front().ids == best[b].ids);
      CHECK(searched[b].front().log_probability == Approx(best[b].log_probability).epsilon(1e-12));
      CHECK(largest_difference(searched[b].front().weights, best[b].weights) < kTolerance);
      const Generated alone = s.model.generate(s.source.sequence(static_cast<std::int64_t>(b)), options);
      CHECK(alone.ids == best[b].ids);
    }
  }
}

TEST_CASE("recurrent seq2seq: attention weights sum to 1 over the source and are 0 on its padding") {
  for (const RecurrentForm& form : recurrent_forms()) {
    INFO(form.name);
    const RecurrentSetting s(form.config);
    const Tensor weights = s.model.with_attention(s.source, s.target).weights;
    REQUIRE(weights.shape() == Shape{3, 5, 6});
    CHECK(largest(weights.select(0, 1).slice(1, 2, 6)) == 0);
    CHECK(largest(weights.select(0, 2).slice(1, 4, 6)) == 0);
    const Tensor sums = sum(weights, 2);
    if (form.config.window > 0)  // a bell takes some
      CHECK(largest(sums) < 1);
    else
      CHECK(largest_difference(sums, Tensor::ones({3, 5}, DType::f64)) < kTolerance);
  }
}

TEST_CASE("recurrent seq2seq: columns of weights follow the source, whichever way it is read") {
  for (const RecurrentForm& form : recurrent_forms()) {
    if (form.config.window > 0) continue;  // places are those of the source
    INFO(form.name);
    RecurrentSetting s(form.config);
    RecurrentSeq2seqConfig turned = form.config;
    turned.reverse_source = !turned.reverse_source;
    RecurrentSeq2seq other(turned, s.rng);
    other.to(DType::f64);
    other.load_state(s.model.state());
    // Both read the same ids in the same order, so that only the order of the columns can differ.
    const auto as_is = s.model.with_attention(s.source, s.target);
    const auto from_other = other.with_attention(reversed(s.source), s.target);
    CHECK(largest_difference(from_other.scores.value(), as_is.scores.value()) < kTolerance);
    CHECK(largest_difference(columns_reversed(from_other.weights, s.source), as_is.weights) < kTolerance);
    CHECK(largest_difference(from_other.weights, as_is.weights) > 0.01);
  }
}

TEST_CASE("recurrent seq2seq: attention maps have the weights, in one tensor or one a step") {
  for (const RecurrentForm& form : recurrent_presets()) {
    INFO(form.name);
    const RecurrentSetting s(form.config);
    const AttentionMaps maps;
    const auto forward = s.model.with_attention(s.source, s.target);
    const std::vector<Tensor>& kept = maps["decoder.attention"];
    CHECK(kept.size() == (std::string(form.name) == "deep residual" ? 1u : 5u));
    CHECK(largest_difference(concat(kept, 2).squeeze(1), forward.weights) == 0);
  }
}

TEST_CASE("recurrent seq2seq: sequences of one source, in any order, share what is read of it") {
  const RecurrentSetting s(pointer_generator(small_recurrent()));
  const NoGrad no_grad;
  auto state = s.model.start(s.source);
  state.select(ids_of({0, 0, 1, 1}, {4}));
  const Var keys = state.memory.keys;
  state.select(ids_of({1, 1, 3, 2}, {4}));
  CHECK(state.memory.keys.same_as(keys));
  state.select(ids_of({2, 0}, {2}));
  CHECK_FALSE(state.memory.keys.same_as(keys));
  CHECK(identical(state.memory.keys.value().select(0, 1), keys.value().select(0, 0)));
  CHECK(identical(state.source_ids.select(0, 0), s.source.ids.select(0, 1)));
  CHECK(state.mask.attends().shape() == Shape{2, 1, 6});
  state.select(Tensor::empty({0}, DType::i32));
  CHECK(state.rows() == 0);
}

TEST_CASE("recurrent seq2seq: the coverage in the state is the sum of the weights of all steps so far") {
  RecurrentSeq2seqConfig config = coverage_attention(small_recurrent());
  config.coverage_weight = 0.25;
  const RecurrentSetting s(config);
  const auto forced = s.model.with_attention(s.source, s.target);
  const Tensor before = coverage_of(Var(forced.weights)).value();
  auto state = s.model.start(s.source);
  for (std::int64_t t = 0; t < 5; ++t) {
    CHECK(largest_difference(state.coverage.value().squeeze(1), before.select(1, t)) < kTolerance);
    s.model.step(s.target.ids.select(1, t), state);
  }
  CHECK(largest_difference(state.coverage.value().squeeze(1), sum(forced.weights, 1)) < kTolerance);
  CHECK(largest_difference(forced.auxiliary_loss.value(),
                           (0.25 * coverage_loss(Var(forced.weights), s.target.lengths)).value()) < kTolerance);
}

TEST_CASE(
    "recurrent seq2seq: a model that copies gives probabilities, and writes what its vocabulary never would") {
  RecurrentSetting s(pointer_generator(small_recurrent()));
  const Tensor p = exp(s.model(s.source, s.target)).value();
  CHECK(largest_difference(sum(p, 2), Tensor::ones({3, 5}, DType::f64)) < kTolerance);

  const auto set = [&](const std::string& name, std::int64_t at, double value) {
    for (Var parameter : s.model.parameters())
      if (parameter.name() == name) parameter.mutable_value().set({at}, value);
  };
  const std::vector<std::int32_t> source{5, 5, 5};
  set("decoder.out.bias", 5, -1000);
  set("decoder.gate.bias", 0, -1000);  // copies at every step
  CHECK(s.model.generate(source, {.max_length = 4}).ids == std::vector<std::int32_t>{5, 5, 5, 5});
  set("decoder.gate.bias", 0, 1000);  // never copies
  for (const std::int32_t id : s.model.generate(source, {.max_length = 4}).ids) CHECK(id != 5);
}

TEST_CASE("recurrent seq2seq: a step at a time is all at once where no step depends on another, dropout too") {
  for (const bool variational : {false, true}) {
    RecurrentSeq2seqConfig config = small_recurrent();
    config.layers = 2;
    config.score = ScoreKind::additive;
    config.input_dropout = config.dropout = variational ? 0.5 : 0;
    config.variational = variational;
    RecurrentSetting at_once(config);
    config.coverage = true;  // takes steps one by one; with a weight of 0 it adds nothing to the scores
    RecurrentSetting stepped(config);
    NamedTensors state = at_once.model.state();
    for (auto& [name, value] : state)
      if (name == "decoder.attention.weight") value = concat({value, Tensor::zeros({1, 4}, DType::f64)}, 0);
    stepped.model.load_state(state);
    Rng first(5), second(5), other(6);
    const Var scores = at_once.model(at_once.source, at_once.target, &first);
    CHECK(largest_difference(stepped.model(at_once.source, at_once.target, &second).value(), scores.value()) <
          kTolerance);
    CHECK(first.state() == second.state());
    const Tensor again = at_once.model(at_once.source, at_once.target, &other).value();
    CHECK((largest_difference(again, scores.value()) > 0.01) == variational);
  }
}

TEST_CASE("recurrent seq2seq: steps one by one draw dropout anew at each, but with one mask when variational") {
  for (const bool variational : {false, true}) {
    RecurrentSeq2seqConfig config = coverage_attention(small_recurrent());
    config.cell = CellKind::rnn;
    config.readout = Readout::state;
    config.input_feeding = false;
    config.input_dropout = 0.5;
    config.variational = variational;
    RecurrentSetting s(config);
    for (Var parameter : s.model.parameters())  // scores of the id alone, which is the same at each step
      if (parameter.name() == "decoder.lower.0.wh") parameter.mutable_value().fill(0);
    s.target.ids.fill(3);
    Rng rng(3), same(3);
    const Tensor scores = s.model(s.source, s.target, &rng).value();
    CHECK(identical(s.model(s.source, s.target, &same).value(), scores));
    const double difference = largest_difference(scores.slice(1, 1, 5), scores.slice(1, 0, 4));
    CHECK((variational ? difference < kTolerance : difference > 0.01));
  }
}

TEST_CASE("recurrent seq2seq: dropout lies between a first layer that stands apart and those above it too") {
  RecurrentSeq2seqConfig config = gnmt(small_recurrent());
  config.layers = 2;
  config.dropout = 0.5;
  Data data;
  const RecurrentEncoder encoder(config, data.rng);
  const RecurrentDecoder decoder(config, encoder.width(), data.rng);
  const auto once = encoder(data.source, &data.rng), again = encoder(data.source, &data.rng);
  CHECK(identical(once.states[0].h.value(), again.states[0].h.value()));
  CHECK_FALSE(identical(once.states[1].h.value(), again.states[1].h.value()));
  const auto first_step = [&] {
    RecurrentSeq2seqState state = decoder.start(once, data.source);
    return decoder(data.target.ids.slice(1, 0, 1), state, &data.rng);
  };
  const auto one = first_step(), other = first_step();
  CHECK(identical(one.weights.value(), other.weights.value()));
  CHECK_FALSE(identical(one.scores.value(), other.scores.value()));
}

TEST_CASE("recurrent seq2seq: with dropout, training needs a generator and evaluation draws nothing") {
  for (const RecurrentForm& form : recurrent_presets()) {
    INFO(form.name);
    RecurrentSeq2seqConfig config = form.config;
    config.input_dropout = config.dropout = 0.3;
    RecurrentSetting s(config);
    const auto needs = [&](auto call) {
      const std::string error = thrown<ConfigError>(call);
      CHECK_THAT(error, ContainsSubstring("dropout in training needs a generator") &&
                            ContainsSubstring("in: RecurrentSeq2seq / encoder / lower"));
    };
    needs([&] { s.model(s.source, s.target); });
    needs([&] { s.model.start(s.source); });
    needs([&] { s.model.generate(s.source); });
    Rng first(4), second(4);
    const Tensor scores = s.model(s.source, s.target, &first).value();
    CHECK(identical(s.model(s.source, s.target, &second).value(), scores));
    CHECK_FALSE(identical(s.model(s.source, s.target, &second).value(), scores));
    s.model.eval();
    const Rng::State before = first.state();
    CHECK(identical(s.model(s.source, s.target, &first).value(), s.model(s.source, s.target).value()));
    CHECK(first.state() == before);
    check_passed(check_decode_parity(s.model, s.source, s.target));
  }
}

TEST_CASE("recurrent seq2seq: a preset keeps the layers and the score that it is given") {
  CHECK(gnmt({.layers = 3}).layers == 3);
  CHECK(gnmt({}).layers == 4);
  CHECK(input_feeding({.score = ScoreKind::concat}).score == ScoreKind::concat);
  CHECK(input_feeding({}).score == ScoreKind::general);
  Rng rng(1);
  const RecurrentSeq2seq model({.vocabulary = 5, .embedding = 2, .hidden = 3}, rng);
  CHECK(model.config().layers == 1);
  CHECK(model.config().score == ScoreKind::dot);
}

TEST_CASE("recurrent seq2seq: every preset is made of the cells that it is given") {
  Rng rng(1);
  for (const RecurrentForm& form : recurrent_presets()) {
    INFO(form.name);
    RecurrentSeq2seqConfig config = form.config;
    for (const auto& [cell, name] : {std::pair(CellKind::rnn, ": RNN "), std::pair(CellKind::gru, ": GRU "),
                                     std::pair(CellKind::lstm, ": LSTM ")}) {
      config.cell = cell;
      const std::string summary = RecurrentSeq2seq(config, rng).summary();
      for (const char* const other : {": RNN ", ": GRU ", ": LSTM "})
        CHECK((summary.find(other) != std::string::npos) == (other == std::string_view(name)));
    }
    RecurrentSetting s(config);
    check_passed(check_decode_parity(s.model, s.source, s.target));
  }
}

TEST_CASE("recurrent seq2seq: configurations that make no sense are refused with what is wrong") {
  Rng rng(1);
  const auto refused = [&](auto change) {
    RecurrentSeq2seqConfig config = small_recurrent();
    change(config);
    return thrown<ConfigError>([&] { const RecurrentSeq2seq model(config, rng); });
  };
  CHECK(refused([](RecurrentSeq2seqConfig& c) { c.vocabulary = 0; }) ==
        "ConfigError: RecurrentSeq2seq: vocabulary 0, embedding 3, hidden 4, layers 1\n  requires each at "
        "least 1");
  CHECK_THAT(refused([](RecurrentSeq2seqConfig& c) { c.layers = 0; }), ContainsSubstring("layers 0"));
  CHECK(refused([](RecurrentSeq2seqConfig& c) { c.place = AttentionPlace::between; }) ==
        "ConfigError: RecurrentSeq2seq: attention between the layers of a decoder of 1 layer\n"
        "  requires 2 layers or more");
  CHECK_THAT(refused([](RecurrentSeq2seqConfig& c) { c.ways = EncoderWays::both; }),
             ContainsSubstring("an inner product of states 4 and 8 wide") &&
                 ContainsSubstring("ScoreKind::general maps one to the other"));
  CHECK(refused([](RecurrentSeq2seqConfig& c) { c.coverage = true; }) ==
        "ConfigError: ScoredAttention: coverage in a score of kind dot\n  requires concat or additive");
  CHECK_THAT(refused([](RecurrentSeq2seqConfig& c) { c.coverage_weight = -1; }),
             ContainsSubstring("coverage_weight -1"));
  CHECK_THAT(refused([](RecurrentSeq2seqConfig& c) { c.window = -2; }), ContainsSubstring("window -2"));
  CHECK_THAT(refused([](RecurrentSeq2seqConfig& c) { c.dropout = 1; }), ContainsSubstring("a dropout of 1"));
  CHECK_THAT(refused([](RecurrentSeq2seqConfig& c) { c.input_dropout = -1; }),
             ContainsSubstring("a dropout of -1"));
}

TEST_CASE("recurrent seq2seq: ids and batches that do not fit are errors that name the part") {
  for (const RecurrentForm& form : recurrent_presets()) {
    INFO(form.name);
    RecurrentSetting s(form.config);
    auto state = s.model.start(s.source);
    CHECK_THAT(thrown<IndexError>([&] {
                 s.model.step(ids_of({3, 9, 0}, {3}), state);
               }),
               ContainsSubstring("in: RecurrentSeq2seq / decoder / embed (Embedding 9 x 3)"));
    CHECK(thrown<ShapeError>([&] {
            s.model.step(ids_of({3, 1}, {2}), state);
          }) ==
          "ShapeError: decoder: ids are [2, 1] for 3 sequences\n  requires [3, T]\n"
          "  in: RecurrentSeq2seq / decoder (RecurrentDecoder)");
    CHECK_THROWS_AS(state.select(ids_of({0, 3}, {2})), IndexError);
    CHECK(state.rows() == 3);
    CHECK_THAT(thrown<ShapeError>([&] { s.model(row_of(s.source, 0), s.target); }),
               ContainsSubstring("ids are [3, 5] for 1 sequences"));
    CHECK_THAT(thrown<IndexError>([&] {
                 s.model.generate(std::vector<std::int32_t>{3, -5});
               }),
               ContainsSubstring("in: RecurrentSeq2seq / encoder / embed (Embedding 9 x 3)"));
  }
}

}  // namespace heed::tests
