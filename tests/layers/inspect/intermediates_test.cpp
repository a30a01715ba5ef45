#include "layers/inspect/intermediates.h"

#include <set>

#include "autograd/hooks.h"
#include "core/allocator.h"
#include "core/reduce.h"
#include "tests/layers/inspect/every_model.h"
#include "tests/markup.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using Paths = std::vector<std::string>;

const Tokens kSource{ids_of({1, 2, 3, 4, 5, 0}, {2, 3}), ids_of({3, 2}, {2})};
const Tokens kTarget{ids_of({1, 2, 3, 4}, {2, 2}), {}};

struct Book {
  Rng rng{1};
  AttentionSeq2seq model{{.vocabulary = 7, .embedding = 3, .hidden = 4}, rng};
  Var loss() const { return cross_entropy(model(kSource, kTarget), ids_of({2, 3, 4, 5}, {2, 2})); }
};

bool has(const Paths& paths, const std::string& path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

}  // namespace

TEST_CASE("intermediates: values and gradients by path, and by every name that they have") {
  const Book book;
  const Intermediates seen = record_intermediates(book.model);
  book.loss().backward();
  const Intermediate weights = seen["decoder.attention.weights"];
  CHECK(weights.path == "decoder.attention.weights");
  CHECK(std::string(weights.operation) == "softmax");
  CHECK(text(weights.at).starts_with("layers/attention.cpp:"));
  CHECK(weights.value.shape() == Shape{2, 2, 3});
  CHECK(weights.gradient.shape() == Shape{2, 2, 3});
  CHECK(largest_difference(sum(weights.value, -1), Tensor::ones({2, 2})) < 1e-6);
  CHECK(identical(seen["decoder.attention.softmax"].value, weights.value));
  CHECK(identical(seen["encoder.hs"].value, seen["encoder.lstm.hs"].value));
  CHECK(identical(seen["encoder.lstm.lstm[0]"].value, seen["encoder.hs"].value));
  CHECK(identical(seen["encoder.lstm.lstm[2]"].value, seen["encoder.lstm.c"].value));
  CHECK(seen["cross_entropy"].value.shape() == Shape{2, 2});
  const Intermediate parameter = seen["decoder.affine.weight"];
  CHECK(std::string(parameter.operation) == "parameter");
  CHECK_FALSE(parameter.at.known());
  const auto parameters = book.model.parameters();
  for (const Var& each : parameters) CHECK(identical(seen[each.name()].gradient, each.grad().value()));
}

TEST_CASE("intermediates: gradients are those that hooks see, of every model") {
  for (const Watched& each : every_model()) {
    INFO(each.name);
    const Intermediates seen = record_intermediates(*each.model);
    // A hook on every value that an operation made, kept by the place that the recording has for it.
    struct Hooks : Observer {
      void recorded(const Recorded& r) override {
        if (!r.output.requires_grad() || done) return;
        const Var output = r.output;
        add_hook(output, [this, key = output.node()->recorded_at](const Var& dy) {
          gradients[key] = dy.value();
          return Var();
        });
        outputs.push_back(output);
      }
      std::map<std::uint64_t, Tensor> gradients;
      std::vector<Var> outputs;
      bool done = false;
    } hooks;
    const Var loss = each.loss();
    hooks.done = true;
    loss.backward();
    CHECK(hooks.gradients.size() > 3);
    for (const Var& output : hooks.outputs) {
      const Tensor& gradient = seen.trace().values()[seen.trace().place_of(output)].gradient;
      const auto hooked = hooks.gradients.find(output.node()->recorded_at);
      const bool reached = hooked != hooks.gradients.end();
      REQUIRE(gradient.defined() == reached);
      if (reached) CHECK(identical(gradient, hooked->second));
    }
  }
}

TEST_CASE(
    "intermediates: paths of every model are unique, lead back to their values, and are those of the next "
    "run") {
  for (const Watched& each : every_model()) {
    INFO(each.name);
    Paths first;
    {
      const Intermediates seen = record_intermediates(*each.model);
      each.loss().backward();
      first = seen.paths();
      CHECK(std::set<std::string>(first.begin(), first.end()).size() == first.size());
      std::size_t outputs = 0, leaves = 0;
      for (const TracedOperation& operation : seen.trace().operations()) outputs += operation.outputs.size();
      for (const Intermediate& found : seen.find()) {
        CHECK(identical(seen[found.path].value, found.value));
        leaves +=
            std::string_view(found.operation) == "parameter" || std::string_view(found.operation) == "constant";
      }
      CHECK(first.size() == outputs + leaves);  // each once
      for (const Var& parameter : each.model->parameters())
        if (seen.trace().has_seen(parameter)) CHECK(has(first, parameter.name()));
    }
    const Intermediates again = record_intermediates(*each.model);
    each.loss().backward();
    CHECK(again.paths() == first);
  }
}

TEST_CASE(
    "intermediates: nothing that a model computes changes by a bit, and nothing is kept behind the scope") {
  for (const Watched& each : every_model()) {
    INFO(each.name);
    const auto run = [&] {
      const Var loss = each.loss();
      loss.backward();
      std::vector<Tensor> all = take_gradients(*each.model);
      all.push_back(loss.value());
      return all;
    };
    const std::vector<Tensor> without = run();
    const std::int64_t before = pool::statistics().bytes_in_use;
    {
      const Intermediates seen = record_intermediates(*each.model);
      const std::vector<Tensor> with = run();
      REQUIRE(with.size() == without.size());
      for (std::size_t i = 0; i < with.size(); ++i) CHECK(identical(with[i], without[i]));
      CHECK_FALSE(seen.paths().empty());
    }
    CHECK(pool::statistics().bytes_in_use == before);
  }
}

TEST_CASE("intermediates: patterns keep within parts of a path, or go over them") {
  CHECK(path_matches("encoder.*", "encoder.hs"));
  CHECK_FALSE(path_matches("encoder.*", "encoder.lstm.hs"));
  CHECK(path_matches("encoder.**", "encoder.lstm.hs"));
  CHECK(path_matches("**.weights", "decoder.attention.weights"));
  CHECK(path_matches("**.weights", "weights"));
  CHECK_FALSE(path_matches("**.weights", "decoder.attention.reweights"));
  CHECK(path_matches("decoder.**.softmax*", "decoder.0.cross.softmax#2"));
  CHECK(path_matches("decoder.*.output", "decoder.1.output"));
  CHECK_FALSE(path_matches("decoder.*.output", "decoder.1.norm.output"));
  CHECK(path_matches("**", ""));
  CHECK_FALSE(path_matches("*", "a.b"));
  CHECK_FALSE(path_matches("", "a"));
  CHECK_FALSE(path_matches("a", ""));

  const Book book;
  const Intermediates seen = record_intermediates(book.model);
  book.loss().backward();
  CHECK(seen.paths("encoder.*") == Paths{"encoder.hs", "encoder.h"});
  CHECK(seen.paths("**.lstm.hs") == Paths{"encoder.lstm.hs", "decoder.lstm.hs"});
  CHECK(seen.paths("nowhere.**").empty());
  CHECK(seen.paths("decoder.attention.*") ==
        Paths{"decoder.attention.scores", "decoder.attention.weights", "decoder.attention.context"});
}

TEST_CASE("intermediates: repeated names are numbered; names that the user gives are found") {
  class Twice : public Module {
   public:
    explicit Twice(Rng& rng) : Module("Twice"), map_(2, 2, rng) { register_module("map", map_); }
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      Var middle = tanh(map_(x));
      middle.named("middle");
      return tanh(map_(middle));
    }

   private:
    Linear map_;
  };
  Rng rng(1);
  const Twice model(rng);
  const Intermediates seen = record_intermediates(model);
  Var y = model(Var(Tensor::ones({1, 2})));
  y.named("answer");
  CHECK(seen.paths() == Paths{"map.weight", "map.bias", "map.output", "middle", "map.output#2", "answer"});
  CHECK(identical(seen["tanh"].value, seen["middle"].value));
  CHECK(identical(seen["tanh#2"].value, y.value()));
  CHECK(identical(seen["map.linear#2"].value, seen["map.output#2"].value));
}

TEST_CASE("intermediates: of a part of a model; of one model beside another") {
  const Book book;
  Rng rng(2);
  const AttentionSeq2seq other({.vocabulary = 7, .embedding = 3, .hidden = 4}, rng);
  {
    const Intermediates seen = record_intermediates(book.model);
    other(kSource, kTarget);
    CHECK(seen.paths().empty());
  }
  class Whole : public Module {
   public:
    Whole(Module& a, Module& b) : Module("Whole") {
      register_module("a", a);
      register_module("b", b);
    }
  };
  Rng parts(1);
  Linear a(2, 2, parts), b(2, 2, parts);
  const Whole whole(a, b);
  const Intermediates of_b = record_intermediates(b), of_all = record_intermediates(whole);
  exp(b(a(Var(Tensor::ones({1, 2})))));
  CHECK(of_b.paths() == Paths{"b.weight", "b.bias", "b.output"});
  CHECK(of_all.paths() == Paths{"a.weight", "a.bias", "a.output", "b.weight", "b.bias", "b.output", "exp"});
}

TEST_CASE("intermediates: fused attention has its weights, as constants that are those of the definition") {
  Rng rng(1);
  const MultiHeadAttention attention({.width = 8, .heads = 4, .key_value_heads = 2}, rng);
  const Var x = some_features({2, 3, 8});
  const Intermediates seen = record_intermediates(attention);
  mean(square(attention.self(x, Mask::causal(3, 3)))).backward();
  const Intermediate weights = seen["weights"];
  CHECK(std::string(weights.operation) == "constant");
  CHECK(weights.value.shape() == Shape{2, 4, 3, 3});
  CHECK_FALSE(weights.gradient.defined());
  CHECK(largest_difference(sum(weights.value, -1), Tensor::ones({2, 4, 3})) < 1e-6);
  CHECK(largest(weights.value.select(2, 0).slice(-1, 1, 3)) == 0);
  CHECK(seen["context"].gradient.shape() == Shape{2, 3, 8});
}

TEST_CASE("intermediates: stopped, nothing is added; a path that is not there is an error that helps") {
  const Book book;
  Intermediates seen = record_intermediates(book.model);
  CHECK(thrown<ConfigError>([&] { seen["decoder.hs"]; }) ==
        "ConfigError: intermediates: \"decoder.hs\" is not there, and nothing else\n"
        "  requires that AttentionSeq2seq runs while they are recorded");
  book.loss().backward();
  seen.stop();
  const Paths paths = seen.paths();
  book.loss().backward();
  CHECK(seen.paths() == paths);
  CHECK(thrown<ConfigError>([&] { seen["encoder.lstm.states"]; }) ==
        "ConfigError: intermediates: nothing is called \"encoder.lstm.states\"\n"
        "  requires \"encoder.lstm.\" and one of bias, c, h, hs, lengths, lstm[0], lstm[1], lstm[2], wh, wx");
  CHECK(thrown<ConfigError>([&] { seen["attention.weights"]; }).find("requires one of ") != std::string::npos);
}

TEST_CASE("intermediates: the table has a line for each, with what is not finite and what has no gradient") {
  const Book book;
  const Intermediates seen = record_intermediates(book.model);
  const Var loss = book.loss();
  CHECK(count_of(seen.table("decoder.attention.weights"), "–") == 3);
  loss.backward();
  const std::string table = seen.table("decoder.attention.*");
  CHECK(count_of(table, "\n") == 5);
  CHECK(count_of(table, "–") == 0);
  CHECK(markup_fault(to_html(table_of(seen.find()))) == "");
}

}  // namespace heed::tests
