#include "layers/seq2seq.h"

#include <type_traits>

#include "autograd/ops.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr Seq2seqConfig kSmall{.vocabulary = 11, .embedding = 4, .hidden = 6};

// Ids of that shape, anywhere in the vocabulary.
Tensor random_ids(const Shape& shape, Rng& rng) {
  std::vector<std::int32_t> values;
  for (std::int64_t i = 0; i < shape.count(); ++i)
    values.push_back(static_cast<std::int32_t>(rng.below(kSmall.vocabulary)));
  return ids_of(values, shape);
}

// A small model with values large enough to matter, sources of lengths 7, 3, 5 and targets of 5 steps.
template <class Model>
struct Setting {
  Rng rng{11};
  Model model{kSmall, rng};
  Tokens source{Tensor(), ids_of({7, 3, 5}, {3})}, target;

  Setting() {
    take_random_parameters(model, rng);
    source.ids = random_ids({3, 7}, rng);
    target.ids = random_ids({3, 5}, rng);
  }
  // One sequence of the batch without its padding.
  Tokens alone(std::int64_t b) const {
    const std::vector<std::int32_t> ids = source.sequence(b);
    return batch_of(std::span(&ids, 1), 0);
  }
  Tokens target_alone(std::int64_t b) const { return {target.ids.slice(0, b, b + 1), {}}; }
};

// The state of a part as the whole names it.
NamedTensors with_prefix(const std::string& prefix, const Module& module) {
  NamedTensors state;
  for (const auto& [name, value] : module.state()) state.emplace_back(text(prefix, ".", name), value);
  return state;
}

template <class Model>
void check_against(const std::string& file) {
  const Fixture numbers(file);
  Rng rng(1);
  Model model(kSmall, rng);
  // Values of about 1 through a dozen recurrent steps with sums of at most 22 products: some hundred roundings
  // of 6e-8, most of which cancel.
  check_model(model, numbers, {numbers.ids("source"), {}}, 2e-6);
}

}  // namespace

TEST_CASE("seq2seq: scores, loss and all gradients of the plain model are PyTorch's") {
  check_against<Seq2seq>("seq2seq_plain");
}

TEST_CASE("seq2seq: scores, loss and all gradients of the peeky model are PyTorch's") {
  check_against<PeekySeq2seq>("seq2seq_peeky");
}

TEST_CASE("seq2seq: scores, loss and all gradients of the model with attention are PyTorch's") {
  check_against<AttentionSeq2seq>("seq2seq_attention");
}

TEST_CASE("seq2seq: attention weights are PyTorch's, columns in the order of the source") {
  const Fixture numbers("seq2seq_attention");
  Rng rng(1);
  AttentionSeq2seq model(kSmall, rng);
  take_parameters(model, numbers);
  const auto forward = model.with_attention({numbers.ids("source"), {}}, {numbers.ids("target_in"), {}});
  CHECK(largest_difference(forward.scores.value(), numbers["scores"]) < kTolerance);
  CHECK(largest_difference(forward.weights, numbers["weights"]) < kTolerance);
}

TEMPLATE_TEST_CASE("seq2seq: what stands in padding changes nothing, in values and gradients", "", Seq2seq,
                   PeekySeq2seq, AttentionSeq2seq) {
  Setting<TestType> s;
  const Var clean = s.model(s.source, s.target);
  sum(square(clean)).backward();
  const std::vector<Tensor> gradients = take_gradients(s.model);

  Tokens dirty{s.source.ids.clone(), s.source.lengths};
  dirty.ids.slice(1, 3, 7).select(0, 1).fill(10);
  dirty.ids.slice(1, 5, 7).select(0, 2).fill(9);
  const Var scores = s.model(dirty, s.target);
  CHECK(identical(scores.value(), clean.value()));
  sum(square(scores)).backward();
  CHECK(largest_difference(take_gradients(s.model), gradients) == 0);
}

TEMPLATE_TEST_CASE("seq2seq: a sequence in a padded batch gives what it gives alone", "", Seq2seq, PeekySeq2seq,
                   AttentionSeq2seq) {
  const Setting<TestType> s;
  const auto together = s.model.with_attention(s.source, s.target);
  for (std::int64_t b = 0; b < 3; ++b) {
    const auto alone = s.model.with_attention(s.alone(b), s.target_alone(b));
    CHECK(largest_difference(alone.scores.value().select(0, 0), together.scores.value().select(0, b)) <
          kTolerance);
    REQUIRE(alone.weights.defined() == (std::is_same_v<TestType, AttentionSeq2seq>));
    if (!alone.weights.defined()) continue;
    const Tensor real = together.weights.select(0, b).slice(1, 0, s.alone(b).time());
    CHECK(largest_difference(alone.weights.select(0, 0), real) < kTolerance);
  }
}

TEMPLATE_TEST_CASE("seq2seq: the order of the batch is the order of the results", "", Seq2seq, PeekySeq2seq,
                   AttentionSeq2seq) {
  const Setting<TestType> s;
  const auto turned = [](const Tensor& x) { return concat({x.slice(0, 1, 3), x.slice(0, 0, 1)}, 0); };
  const auto as_is = s.model.with_attention(s.source, s.target);
  const auto of_turned =
      s.model.with_attention({turned(s.source.ids), turned(s.source.lengths)}, {turned(s.target.ids), {}});
  CHECK(largest_difference(of_turned.scores.value(), turned(as_is.scores.value())) < kTolerance);
  CHECK(largest_difference(of_turned.scores.value(), as_is.scores.value()) > 0.01);
  if (as_is.weights.defined()) CHECK(largest_difference(of_turned.weights, turned(as_is.weights)) < kTolerance);
}

TEMPLATE_TEST_CASE("seq2seq: a decoder given one id a call gives what it gives all at once, and is the model's",
                   "", (std::pair<Seq2seq, Decoder>), (std::pair<PeekySeq2seq, PeekyDecoder>),
                   (std::pair<AttentionSeq2seq, AttentionDecoder>)) {
  Rng rng(12);
  Setting<typename TestType::first_type> s;
  Encoder encoder(kSmall, rng);
  typename TestType::second_type decoder(kSmall, rng);
  take_random_parameters(encoder, rng);
  take_random_parameters(decoder, rng);

  const Encoded encoded = encoder(reversed(s.source));
  const Decoded at_once = decoder(s.target.ids, encoded, {encoded.h, {}});
  LstmState state{encoded.h, {}};
  for (std::int64_t t = 0; t < s.target.time(); ++t) {
    const Decoded step = decoder(s.target.ids.slice(1, t, t + 1), encoded, state);
    state = step.state;
    CHECK(largest_difference(step.scores.value(), at_once.scores.value().slice(1, t, t + 1)) < kTolerance);
    if (step.weights.defined())
      CHECK(largest_difference(step.weights.value(), at_once.weights.value().slice(1, t, t + 1)) < kTolerance);
  }
  CHECK(largest_difference(state.h.value(), at_once.state.h.value()) < kTolerance);
  CHECK(largest_difference(state.c.value(), at_once.state.c.value()) < kTolerance);

  NamedTensors parts = with_prefix("encoder", encoder);
  for (const auto& entry : with_prefix("decoder", decoder)) parts.push_back(entry);
  s.model.load_state(parts);
  CHECK(largest_difference(s.model(s.source, s.target).value(), at_once.scores.value()) < kTolerance);
}

TEMPLATE_TEST_CASE("seq2seq: steps give the scores, weights and gradients of teacher forcing", "", Seq2seq,
                   PeekySeq2seq, AttentionSeq2seq) {
  Setting<TestType> s;
  const auto forced = s.model.with_attention(s.source, s.target);
  sum(square(forced.scores)).backward();
  const std::vector<Tensor> gradients = take_gradients(s.model);

  Seq2seqState state = s.model.start(s.source);
  std::vector<Var> scores;
  for (std::int64_t t = 0; t < 5; ++t) {
    const Step step = s.model.step(s.target.ids.select(1, t), state);
    CHECK(largest_difference(step.scores.value(), forced.scores.value().select(1, t)) < kTolerance);
    REQUIRE(step.weights.defined() == (std::is_same_v<TestType, AttentionSeq2seq>));
    if (step.weights.defined())
      CHECK(largest_difference(step.weights.value(), forced.weights.select(1, t)) < kTolerance);
    scores.push_back(step.scores);
  }
  sum(square(stack(scores, 1))).backward();
  CHECK(largest_difference(take_gradients(s.model), gradients) < kTolerance);
}

TEMPLATE_TEST_CASE(
    "seq2seq: a state keeps the sequences that are selected, with gradients, and copies go apart", "", Seq2seq,
    PeekySeq2seq, AttentionSeq2seq) {
  Setting<TestType> s;
  const std::vector<std::int32_t> rows{2, 0, 2, 1};
  const auto chosen = [&](const Tensor& x) {
    std::vector<Tensor> parts;
    for (const std::int32_t row : rows) parts.push_back(x.slice(0, row, row + 1));
    return concat(parts, 0);
  };
  Seq2seqState state = s.model.start(s.source);
  s.model.step(s.target.ids.select(1, 0), state);
  Seq2seqState copy = state;
  state.select(ids_of(rows, {4}));
  CHECK(state.rows() == 4);
  CHECK(copy.rows() == 3);
  const Tensor ids = s.target.ids.select(1, 1);
  const Var of_selected = s.model.step(chosen(ids), state).scores, of_all = s.model.step(ids, copy).scores;
  CHECK(largest_difference(of_selected.value(), chosen(of_all.value())) < kTolerance);
  CHECK(largest_difference(of_selected.value().select(0, 1), of_all.value().select(0, 1)) > 0.01);

  sum(square(of_selected)).backward({.retain_graph = true});
  const std::vector<Tensor> gradients = take_gradients(s.model);
  const Tensor counts = Tensor::of({1.0, 1.0, 2.0}, {3, 1}, DType::f64);
  sum(square(of_all) * Var(counts)).backward();
  CHECK(largest_difference(take_gradients(s.model), gradients) < kTolerance);
}

TEST_CASE("seq2seq: sequences of one source, in any order, share what is read of it") {
  const Setting<AttentionSeq2seq> s;
  const NoGrad no_grad;
  Seq2seqState state = s.model.start(s.source);
  state.select(ids_of({0, 0, 1, 1}, {4}));
  const Var hs = state.encoded.hs;
  state.select(ids_of({1, 1, 3, 2}, {4}));
  CHECK(state.encoded.hs.same_as(hs));
  state.select(ids_of({2, 0}, {2}));
  CHECK_FALSE(state.encoded.hs.same_as(hs));
  CHECK(identical(state.encoded.hs.value().select(0, 1), hs.value().select(0, 0)));
  CHECK(state.encoded.mask.attends().shape() == Shape{2, 1, 7});
}

TEST_CASE("seq2seq: attention weights sum to 1 over the source and are 0 on its padding") {
  const Setting<AttentionSeq2seq> s;
  const Tensor weights = s.model.with_attention(s.source, s.target).weights;
  REQUIRE(weights.shape() == Shape{3, 5, 7});
  for (std::int64_t b = 0; b < 3; ++b) {
    const std::int64_t length = s.alone(b).time();
    const Tensor real = weights.select(0, b).slice(1, 0, length);
    CHECK(largest_difference(sum(real, 1), Tensor::ones({5}, DType::f64)) < 1e-12);
    CHECK(min(min(real, 1), 0).item() > 0);
    if (length < 7) CHECK(largest(weights.select(0, b).slice(1, length, 7)) == 0);
  }
}

TEST_CASE("seq2seq: columns of weights follow the source, whether or not the model reads it from the end") {
  Setting<AttentionSeq2seq> s;
  Seq2seqConfig forwards = kSmall;
  forwards.reverse_source = false;
  AttentionSeq2seq other(forwards, s.rng);
  other.to(DType::f64);
  other.load_state(s.model.state());
  // Both read the same ids in the same order, so that only the order of the columns can differ.
  const auto from_end = s.model.with_attention(s.source, s.target);
  const auto as_read = other.with_attention(reversed(s.source), s.target);
  CHECK(largest_difference(from_end.scores.value(), as_read.scores.value()) < kTolerance);
  for (std::int64_t b = 0; b < 3; ++b) {
    const std::int64_t length = s.alone(b).time();
    for (std::int64_t column = 0; column < length; ++column)
      CHECK(largest_difference(from_end.weights.select(0, b).select(1, column),
                               as_read.weights.select(0, b).select(1, length - 1 - column)) < kTolerance);
  }
  CHECK(largest_difference(other.with_attention(s.source, s.target).scores.value(), from_end.scores.value()) >
        0.01);
}

// Models of many draws: among them some that end all sequences soon, some that end none, some that end them
// apart.
template <class Model>
struct Drawn {
  Rng rng;
  Model model{kSmall, rng};

  explicit Drawn(std::uint64_t seed) : rng(seed) { take_random_parameters(model, rng, 1.5); }
};
constexpr std::uint64_t kDraws = 25;

TEMPLATE_TEST_CASE("seq2seq: a batch of mixed lengths generates what its sequences generate one by one", "",
                   Seq2seq, PeekySeq2seq, AttentionSeq2seq) {
  const Setting<TestType> s;
  const GenerateOptions options{.max_length = 12};
  bool ends_apart = false;  // some sequences go on when others have ended
  for (std::uint64_t seed = 1; seed <= kDraws; ++seed) {
    const Drawn<TestType> drawn(seed);
    const std::vector<Generated> together = drawn.model.generate(s.source, options);
    REQUIRE(together.size() == 3);
    for (std::int64_t b = 0; b < 3; ++b) {
      const Generated alone = drawn.model.generate(s.source.sequence(b), options);
      const Generated& of_batch = together[static_cast<std::size_t>(b)];
      ends_apart |= of_batch.ids.size() != together[0].ids.size();
      CHECK(alone.ids == of_batch.ids);
      REQUIRE(alone.weights.defined() == (std::is_same_v<TestType, AttentionSeq2seq>));
      if (alone.weights.defined()) CHECK(largest_difference(alone.weights, of_batch.weights) < kTolerance);
    }
  }
  CHECK(ends_apart);
}

TEMPLATE_TEST_CASE("seq2seq: generation takes the most probable id at each step, until the end or the limit",
                   "", Seq2seq, PeekySeq2seq, AttentionSeq2seq) {
  const Setting<TestType> s;
  const std::int64_t limit = 12;
  std::size_t ended = 0, cut = 0;
  for (std::uint64_t seed = 1; seed <= kDraws; ++seed) {
    const Drawn<TestType> drawn(seed);
    for (std::int64_t b = 0; b < 3; ++b) {
      const Generated generated = drawn.model.generate(s.source.sequence(b), {.max_length = limit});
      const auto steps = static_cast<std::int64_t>(generated.ids.size());
      std::vector<std::int32_t> given = generated.ids;
      given.insert(given.begin(), kSmall.start);
      const auto forced = drawn.model.with_attention(s.alone(b), {ids_of(given, {1, steps + 1}), {}});
      const Tensor best = argmax(forced.scores.value(), -1);  // [1, steps + 1]
      for (std::int64_t t = 0; t < steps; ++t) {
        CHECK(best.at({0, t}) == generated.ids[static_cast<std::size_t>(t)]);
        CHECK(generated.ids[static_cast<std::size_t>(t)] != kSmall.end);
      }
      CHECK(steps <= limit);
      if (steps < limit) CHECK(best.at({0, steps}) == kSmall.end);
      (steps < limit ? ended : cut) += 1;
      if (generated.weights.defined())
        CHECK(largest_difference(generated.weights, forced.weights.select(0, 0)) < kTolerance);
    }
  }
  CHECK(ended > 0);
  CHECK(cut > 0);
}

TEST_CASE("seq2seq: a limit of 0 generates nothing, and still says where the first step looked") {
  const Setting<AttentionSeq2seq> s;
  const Generated generated = s.model.generate(s.source.sequence(1), {.max_length = 0});
  CHECK(generated.ids.empty());
  CHECK(generated.weights.shape() == Shape{1, 3});
}

TEST_CASE("seq2seq: errors name the path of the module and the parameter") {
  Setting<AttentionSeq2seq> s;
  for (Var parameter : s.model.parameters())
    if (parameter.name() == "decoder.affine.weight") parameter.set_value(Tensor::zeros({12, 11}, DType::f32));
  const std::string types = thrown<DTypeError>([&] { s.model(s.source, s.target); });
  CHECK_THAT(types, ContainsSubstring("parameter \"decoder.affine.weight\""));
  CHECK_THAT(types, ContainsSubstring("\n  in: AttentionSeq2seq / decoder / affine (TimeAffine 12 -> 11)"));
  for (Var parameter : s.model.parameters())
    if (parameter.name() == "decoder.affine.weight") parameter.set_value(Tensor::zeros({9, 11}, DType::f64));
  CHECK(thrown<ShapeError>([&] { s.model(s.source, s.target); }) ==
        "ShapeError: linear: inner extents differ: x is [3, 5, 12], w is [9, 11]\n"
        "  requires x.shape[-1] == w.shape[0], got 12 and 9\n"
        "  x: output of concat    w: parameter \"decoder.affine.weight\"\n"
        "  in: AttentionSeq2seq / decoder / affine (TimeAffine 12 -> 11)");
}

TEST_CASE("seq2seq: an id outside the vocabulary is an error that names it and where it was given") {
  Setting<PeekySeq2seq> s;
  Tokens wrong{s.target.ids.clone(), {}};
  wrong.ids.set({1, 2}, 11);
  const std::string target = thrown<IndexError>([&] { s.model(s.source, wrong); });
  CHECK_THAT(target, ContainsSubstring("id 11 at position 7 of ids [3, 5]"));
  CHECK_THAT(target, ContainsSubstring("parameter \"decoder.embed.weight\""));
  CHECK_THAT(target, ContainsSubstring("in: PeekySeq2seq / decoder / embed (Embedding 11 x 4)"));
  const std::string source = thrown<IndexError>([&] { s.model.generate(std::vector<std::int32_t>{3, -5}); });
  CHECK_THAT(source, ContainsSubstring("id -5"));
  CHECK_THAT(source, ContainsSubstring("in: PeekySeq2seq / encoder / embed (Embedding 11 x 4)"));
}

TEST_CASE("seq2seq: errors of a step name the model's part; a row that there is not is an error") {
  Setting<AttentionSeq2seq> s;
  Seq2seqState state = s.model.start(s.source);
  CHECK_THAT(thrown<IndexError>([&] {
               s.model.step(ids_of({3, 11, 0}, {3}), state);
             }),
             ContainsSubstring("in: AttentionSeq2seq / decoder / embed (Embedding 11 x 4)"));
  CHECK_THROWS_AS(s.model.step(ids_of({3, 1}, {2}), state), ShapeError);
  CHECK_THROWS_AS(state.select(ids_of({0, 3}, {2})), IndexError);
  CHECK(state.rows() == 3);
}

TEMPLATE_TEST_CASE("seq2seq: sources and targets of different batches are an error", "", Seq2seq, PeekySeq2seq,
                   AttentionSeq2seq) {
  const Setting<TestType> s;
  CHECK_THAT(thrown<ShapeError>([&] {
               s.model(s.source, {s.target.ids.slice(0, 0, 2), {}});
             }),
             ContainsSubstring(" / decoder"));
  CHECK_THROWS_AS(s.model(s.alone(0), s.target), ShapeError);
}

TEST_CASE("seq2seq: sizes below 1 are an error of the configuration") {
  Rng rng(1);
  for (const std::int64_t size : {0, -1}) {
    Seq2seqConfig config = kSmall;
    config.vocabulary = size;
    CHECK_THAT(thrown<ConfigError>([&] { const Seq2seq model(config, rng); }),
               ContainsSubstring("each at least 1"));
  }
}

}  // namespace heed::tests
