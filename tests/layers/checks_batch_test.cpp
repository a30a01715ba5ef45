#include <memory>

#include "autograd/ops.h"
#include "core/index.h"
#include "layers/lstm.h"
#include "tests/layers/checks_testing.h"
#include "tests/thrown.h"

namespace heed::tests {

// ---- check_padding_invariance

TEST_CASE("check_padding_invariance: lengths that are not handed on are found") {
  Setting<AttentionSeq2seq> s;
  const auto forgetful = [&](const Tokens& source, const Tokens& target) {
    return s.model({source.ids, {}}, target);
  };
  const CheckReport report = check_padding_invariance(s.model, forgetful, {s.source, s.target});
  check_failed(report, "output [3, 5, 9]", "padding takes part");
  CHECK(report.when == "when input 0 was padded by 3 more, with 0");
  CHECK(report.index.size() == 3);
}

TEST_CASE("check_padding_invariance: a padding that only counts in a mean, or only where it holds other ids") {
  Vectors v;
  const auto mean_over_all = [&](const Tokens& source) {
    const Mask real = Mask::padding(source.lengths, source.time());  // [B, 1, S]
    const Tensor kept = real.attends().reshape({3, source.time(), 1});
    const Var x = v.of(source.ids);
    return mean(where(kept, x, Var(Tensor::zeros(x.shape()))), 1);
  };
  check_failed(check_padding_invariance(v.embed, mean_over_all, {v.source}), "output [3, 4]",
               "counted in a mean");
  const auto skips_zeros = [&](const Tokens& source) {
    const Tensor kept = logical_not(equal(source.ids, Tensor::scalar(0, DType::i32))).unsqueeze(2);
    const Var x = v.of(source.ids);
    return sum(where(kept, x, Var(Tensor::zeros(x.shape()))), 1);
  };
  v.source = {v.source.ids.slice(1, 0, 2), {}};
  const CheckReport report = check_padding_invariance(v.embed, skips_zeros, {v.source});
  check_failed(report, "output [3, 4]", "padding takes part");
  CHECK(report.when.ends_with(" was padded by 3 more, with 8"));
}

TEST_CASE("check_padding_invariance: a gradient that padding reaches is found behind values that agree") {
  Vectors v;
  const auto real_sum = [&](const Tokens& source) {  // its rule forgets what its value keeps apart
    const Var x = v.of(source.ids);
    const Tensor kept = Mask::padding(source.lengths, source.time()).attends().reshape({3, source.time(), 1});
    const Tensor value = sum(where(kept, x.value(), Tensor::zeros(x.shape())), 1);
    return record("real_sum", value,
                  wrt(x, [shape = x.shape()](const Var& dy) { return expand(unsqueeze(dy, 1), shape); }));
  };
  const CheckReport report = check_padding_invariance(v.embed, real_sum, {v.source});
  check_failed(report, "gradient of parameter \"weight\" [9, 4]", "a rule that reads what stands there");
  CHECK(report.index == std::vector<std::int64_t>{0, 0});  // the row of the padding's id
}

TEST_CASE("check_padding_invariance: outputs at padded positions do not count") {
  Vectors v;
  const auto of_all = [&](const Tokens& source) { return v.of(source.ids); };
  check_passed(check_padding_invariance(v.embed, of_all, {v.source}));
}

// ---- check_batch_invariance

TEST_CASE("check_batch_invariance: statistics over the batch are told from padding that takes part") {
  Setting<Seq2seq> s;
  const auto centred = [&](const Tokens& source, const Tokens& target) {
    const Var scores = s.model(source, target);
    return scores - mean(scores, 0, true);
  };
  const CheckReport mixed = check_batch_invariance(centred, {s.source, s.target});
  check_failed(mixed, "output [3, 5, 9]", "the sequences of a batch are mixed: statistics over the batch");
  CHECK(mixed.when == "sequence 0 in the batch and alone");

  const auto forgetful = [&](const Tokens& source, const Tokens& target) {
    return s.model({source.ids, {}}, target);
  };
  const CheckReport padded = check_batch_invariance(forgetful, {s.source, s.target});
  check_failed(padded, "output [3, 5, 9]", "padding takes part");
  CHECK(padded.when == "sequence 1 in the batch and alone");  // sequence 0 has none
  CHECK(padded.index[0] == 1);
}

TEST_CASE("check_batch_invariance: outputs that do not begin with the batch, and too many inputs, are errors") {
  const Vectors v;
  CHECK_THAT(thrown<ShapeError>([&] {
               check_batch_invariance([&](const Tokens& source) { return sum(v.of(source.ids), 0); },
                                      {v.source});
             }),
             ContainsSubstring("check_batch_invariance: f gives [6, 4] for inputs of 3 sequences"));
  const auto vectors = [&](const Tokens& source) { return v.of(source.ids); };
  CHECK_THAT(thrown<ConfigError>([&] {
               check_batch_invariance(vectors, {v.source, v.target});
             }),
             ContainsSubstring("check: 2 inputs for a function of 1"));
  CHECK_THROWS_AS(check_padding_invariance(v.embed, vectors, {}), ConfigError);
}

// ---- check_decode_parity

TEMPLATE_TEST_CASE("check_decode_parity: passes the models here, with padded targets too", "", Seq2seq,
                   PeekySeq2seq, AttentionSeq2seq) {
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Setting<TestType> s(dtype);
    check_passed(check_decode_parity(s.model, s.source, s.target));
    check_passed(check_decode_parity(s.model, s.source, {s.target.ids, ids_of({5, 1, 3}, {3})}));
    check_passed(check_decode_parity(s.model, s.source, {s.target.ids.slice(1, 0, 1), {}}));
  }
}

namespace {

// A language model: an LSTM over vectors of the ids so far.
class LanguageModel : public Module {
 public:
  struct State {
    LstmState lstm;
    void select(const Tensor& rows) { lstm = {embedding(lstm.h, rows), embedding(lstm.c, rows)}; }
    std::int64_t rows() const { return lstm.h.extent(0); }
  };
  explicit LanguageModel(Rng& rng)
      : Module("LanguageModel"), embed_(kVocabulary, 4, rng), lstm_(4, 5, rng), out_(5, kVocabulary, rng) {
    register_module("embed", embed_);
    register_module("lstm", lstm_);
    register_module("out", out_);
  }
  Var operator()(const Tokens& ids) const { return out_(lstm_(embed_(ids.ids)).hs); }
  State start(std::int64_t sequences) const {
    const Var zeros(Tensor::zeros({sequences, 5}, embed_.weight().dtype()));
    return {{zeros, zeros}};
  }
  Step step(const Tensor& ids, State& state) const {
    const LstmOutput output = lstm_(embed_(ids.unsqueeze(1)), state.lstm);
    state.lstm = output.state;
    return {squeeze(out_(output.hs), 1), {}};
  }

 private:
  Embedding embed_;
  LSTM lstm_;
  Linear out_;
};

}  // namespace

TEST_CASE("check_decode_parity: a model without a source is checked by its targets alone") {
  Data data;
  const LanguageModel model(data.rng);
  check_passed(check_decode_parity(model, data.target));
  check_passed(check_decode_parity(model, {data.source.ids, data.source.lengths}));
  check_passed(check_batch_invariance(model, {data.source}));
}

namespace {

enum class Fault { late_scores, early_scores, no_carry, cold_start, deaf_select, shared_state };

// AttentionSeq2seq with one mistake.
struct Faulty {
  AttentionSeq2seq& model;
  Fault fault;

  struct State {
    std::shared_ptr<Seq2seqState> kept;  // shared by copies, or made anew by each copy
    bool shared, deaf;

    State(std::shared_ptr<Seq2seqState> k, Fault f)
        : kept(std::move(k)), shared(f == Fault::shared_state), deaf(f == Fault::deaf_select) {}
    State(const State& other)
        : kept(other.shared ? other.kept : std::make_shared<Seq2seqState>(*other.kept)),
          shared(other.shared),
          deaf(other.deaf) {}
    State& operator=(const State& other) {
      kept = State(other).kept;
      return *this;
    }
    void select(const Tensor& rows) {
      const Encoded encoded = kept->encoded;
      kept->select(rows);
      // The sources stay in their order, the first one for those that are new.
      if (deaf) kept->encoded.hs = concat({encoded.hs, slice(encoded.hs, 0, 0, 1)}, 0);
    }
    std::int64_t rows() const { return kept->rows(); }
  };

  Var operator()(const Tokens& source, const Tokens& target) const {
    const Var scores = model(source, target);
    const std::int64_t steps = scores.extent(1);
    if (fault == Fault::early_scores) return concat({slice(scores, 1, 1, steps), slice(scores, 1, 0, 1)}, 1);
    if (fault == Fault::late_scores)
      return concat({slice(scores, 1, steps - 1, steps), slice(scores, 1, 0, steps - 1)}, 1);
    return scores;
  }
  State start(const Tokens& source) const {
    Seq2seqState state = model.start(source);
    if (fault == Fault::cold_start) state.lstm.h = state.lstm.h * 0.0;
    return {std::make_shared<Seq2seqState>(state), fault};
  }
  Step step(const Tensor& ids, State& state) const {
    if (fault != Fault::no_carry) return model.step(ids, *state.kept);
    Seq2seqState forgotten = *state.kept;
    return model.step(ids, forgotten);
  }
};

CheckReport parity_of(Setting<AttentionSeq2seq>& s, Fault fault) {
  return check_decode_parity(Faulty{s.model, fault}, s.source, s.target);
}

}  // namespace

TEST_CASE("check_decode_parity: names the mistake and the first score that it shows in") {
  Setting<AttentionSeq2seq> s;
  const CheckReport early = parity_of(s, Fault::early_scores);
  check_failed(early, "scores [3, 5, 9]", "off by one: each step gives what operator() gives one step earlier");
  CHECK(early.index == std::vector<std::int64_t>{0, 0, 0});
  check_failed(parity_of(s, Fault::late_scores), "scores [3, 5, 9]",
               "off by one: each step gives what operator() gives one step later");
  const CheckReport forgets = parity_of(s, Fault::no_carry);
  check_failed(forgets, "scores [3, 5, 9]", "the first step is right: the state does not carry on");
  CHECK(forgets.index == std::vector<std::int64_t>{0, 1, 0});
  check_failed(parity_of(s, Fault::cold_start), "scores [3, 5, 9]", "the first step is wrong already: start()");
  const CheckReport shared = parity_of(s, Fault::shared_state);
  check_failed(shared, "scores [3, 5, 9]", "copies of the state share what a step changes");
  CHECK(shared.when == "step by step, while copies of the state went another way");
  const CheckReport deaf = parity_of(s, Fault::deaf_select);
  check_failed(deaf, "scores [4, 5, 9]", "select() leaves a part of the state in the old order");
  CHECK(deaf.index == std::vector<std::int64_t>{0, 2, 0});  // the step after which the order changed
}

namespace {

// Scores from the sum of the vectors so far, whose ids a cache keeps: written in place, or in a copy of its
// own.
struct Cached {
  const Vectors& v;
  bool in_place;

  struct State {
    Tensor ids;  // [N, 16], of which `length` are there
    std::int64_t length = 0;
    void select(const Tensor& rows) { ids = take_rows(ids, rows); }
    std::int64_t rows() const { return ids.extent(0); }
  };
  Var operator()(const Tokens& target) const {
    std::vector<Var> sums;
    for (std::int64_t t = 1; t <= target.time(); ++t) sums.push_back(sum(v.of(target.ids.slice(1, 0, t)), 1));
    return stack(sums, 1);
  }
  State start(std::int64_t sequences) const { return {Tensor::zeros({sequences, 16}, DType::i32)}; }
  Step step(const Tensor& ids, State& state) const {
    if (!in_place) state.ids = state.ids.clone();
    Tensor place = state.ids.select(1, state.length++);
    place.copy_from(ids);
    return {sum(v.of(state.ids.slice(1, 0, state.length)), 1), {}};
  }
};

}  // namespace

TEST_CASE("check_decode_parity: a cache that copies of the state write into together is found") {
  const Vectors v;
  check_passed(check_decode_parity(Cached{v, false}, v.target));
  check_failed(check_decode_parity(Cached{v, true}, v.target), "scores [3, 5, 4]",
               "copies of the state share what a step changes");
}

TEST_CASE("check_decode_parity: scores of another form are an error") {
  const Setting<Seq2seq> s;
  CHECK_THAT(thrown<ShapeError>([&] {
               check_decode_parity(s.model, s.source, {s.target.ids.slice(0, 0, 2), {}});
             }),
             ContainsSubstring("decoder"));
  CHECK_THROWS_AS(check_decode_parity(s.model, s.source, {s.target.ids.slice(1, 0, 0), {}}), ConfigError);
}

}  // namespace heed::tests
