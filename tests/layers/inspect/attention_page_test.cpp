#include "layers/inspect/attention_page.h"

#include <cmath>

#include "core/file.h"
#include "layers/inspect/attention_page_data.h"
#include "layers/language_model.h"
#include "layers/ntm.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"
#include "layers/vision_transformer.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/markup.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// The page without its script, which XML holds as CDATA.
std::string without_script(std::string page) {
  const std::size_t begin = page.find("<script>"), end = page.find("</script>");
  if (begin == std::string::npos) return page;
  return page.erase(begin, end + 9 - begin);
}

std::string script_of(const std::string& page) {
  const std::size_t begin = page.find("<![CDATA[") + 9;
  return page.substr(begin, page.find("]]>") - begin);
}

void check_page(const std::string& page) {
  CHECK(markup_fault(without_script(page)) == "");
  CHECK(count_of(page, "<script>") == 1);
  CHECK(count_of(page, "</script>") == 1);
  CHECK(count_of(page, "]]>") == 1);
  for (const char* const outside : {"https://", "src=", "href=", "@import", "url("})
    CHECK(count_of(page, outside) == 0);
  CHECK(count_of(page, "http://") == count_of(page, "xmlns=\"http://www.w3.org/2000/svg\""));
}

// A transformer's pass over three source and two target ids.
AttentionExample of_transformer(std::int64_t heads = 2) {
  Rng rng(1);
  const Transformer model(
      {.vocabulary = 7, .layers = 2, .layer = {.width = 8, .heads = heads, .feed_forward = 8}}, rng);
  const AttentionRecording recording(model);
  model({ids_of({3, 4, 5}, {1, 3}), {}}, {ids_of({1, 4}, {1, 2}), {}});
  return {.title = "an example", .layers = recording.layers()};
}

// Weights as the page's script unpacks them.
std::vector<double> unpacked(const std::string& data) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::vector<double> values;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::size_t first = digits.find(data[i]);
    if (first < 32) {
      const auto value = static_cast<double>(32 * first + digits.find(data[++i]));
      values.push_back(value == 1023 ? NAN : value / 1000);
    } else {
      values.insert(values.end(), first - 31, 0.0);
    }
  }
  return values;
}

}  // namespace

TEST_CASE("attention page: a map for each head and each layer of the rollout, with its entropy") {
  const std::string page = attention_page({of_transformer()}, {.title = "Heads", .lead = "of a <transformer>"});
  check_page(page);
  CHECK(count_of(page, "class=\"thumb\"") == 12 + 6);
  CHECK(count_of(page, " bits</small>") == 18);
  CHECK(count_of(page, "<figcaption>The source looks at itself: layer 2</figcaption>") == 1);
  CHECK(count_of(page, "<th scope=\"row\" class=\"text\">decoder.1.cross_attention</th>") == 2);
  CHECK(count_of(page, "<p class=\"lead\">of a &lt;transformer&gt;</p>") == 1);
  CHECK(count_of(page, "class=\"pick\"") == 0);  // there is nothing to choose
}

TEST_CASE("attention page: several examples, one of which the script shows") {
  const std::string page = attention_page({of_transformer(), of_transformer(1)});
  check_page(page);
  CHECK(count_of(page, "class=\"pick\"") == 2);
  CHECK(count_of(page, "data-example=\"1\"") == 3);
  CHECK(count_of(page, "class=\"thumb\"") == 18 + 12);
}

TEST_CASE("attention page: tokens of any kind are escaped, in the markup and in the script") {
  AttentionExample example = of_transformer();
  example.title = "<b>\"a\" & b</b>";
  example.source_tokens = {"</script>", "]]>", "🙂"};
  example.target_tokens = {" ", "\n\xff\u202e"};
  example.start = "<&>";
  example.candidates = {{{"<i>", 0.5}}, {{"\\\"", 1}}};
  const std::string page = attention_page({example, example});
  check_page(page);
  const std::string script = script_of(page);
  CHECK(count_of(script, "\\u003c/script\\u003e") > 0);
  CHECK(count_of(script, "]]\\u003e") > 0);
  CHECK(count_of(script, "🙂") > 0);
  CHECK(count_of(script, "\"␣\"") > 0);
  CHECK(count_of(script, "\"\\u003c\\u0026\\u003e\"") > 0);
  CHECK(count_of(script, "[\"\\u003ci\\u003e\",0.5]") == 2);
  CHECK(count_of(script, "[\"\\\\\\\"\",1]") == 2);
  CHECK(count_of(page, "\u202e") == 0);
}

TEST_CASE("attention page: what is not real is left out; more tokens than places are an error") {
  AttentionExample example = of_transformer();
  example.source_tokens = {"a", "b"};
  example.target_tokens = {"x"};
  const std::vector<attention_view::Group> groups = attention_view::groups_of(example);
  REQUIRE(groups.size() == 6);
  CHECK(groups[0].rows == example.source_tokens);
  CHECK(groups[1].columns == std::vector<std::string>{"<start>"});
  CHECK(groups[2].layers[1].heads[1].weights.size() == 2);
  example.source_tokens = {"a", "b", "c", "d"};
  CHECK(thrown<ShapeError>([&] { attention_page({example}); }) ==
        "ShapeError: attention page: 4 source tokens, \"encoder.0.self_attention\" has 3 of their places\n"
        "  requires at most as many tokens as places");
  example.source_tokens.clear();
  example.candidates.resize(2);
  CHECK_THAT(thrown<ShapeError>([&] { attention_page({example}); }),
             ContainsSubstring("candidates of 2 steps, 1 steps are shown"));
}

TEST_CASE("attention page: weights are packed to three digits and no wider") {
  Rng rng(2);
  std::vector<double> weights(40, 0.0);
  for (const double value : {1.0, 0.0004, 0.0006, 0.5, 0.031, 0.032, 0.999, 0.0}) weights.push_back(value);
  for (int i = 0; i < 200; ++i) weights.push_back(rng.uniform());
  weights.push_back(NAN);
  weights.resize(weights.size() + 70, 0.0);
  const std::string data = attention_view::packed(weights);
  const std::vector<double> back = unpacked(data);
  REQUIRE(back.size() == weights.size());
  for (std::size_t i = 0; i < back.size(); ++i)
    CHECK((std::isnan(weights[i]) ? std::isnan(back[i]) : std::fabs(back[i] - weights[i]) <= 0.0005 + 1e-12));
  CHECK(data.size() < 2 * 210 + 10);
  CHECK(attention_view::packed(std::vector<double>(10'000, 0.01)).size() == 20'000);
}

TEST_CASE("attention page: a long pass makes a page of bounded size") {
  Rng rng(3);
  Tensor weights = Tensor::uniform({4, 100, 100}, 0, 0.02, rng);
  AttentionExample example;
  for (int layer = 0; layer < 4; ++layer)
    example.layers.push_back(
        {text("encoder.", layer, ".self_attention"), AttentionSides::source_to_source, weights});
  const std::string page = attention_page({example});
  check_page(page);
  CHECK(page.size() < 1'500'000);  // 20 maps of 10,000 weights
}

TEST_CASE("attention page: of the book's model, a language model, a machine with a memory and one that sees") {
  Rng rng(4);
  const auto titles = [](const AttentionExample& example) {
    check_page(attention_page({example}));
    std::vector<std::string> all;
    for (const attention_view::Group& group : attention_view::groups_of(example)) all.push_back(group.title);
    return all;
  };
  const AttentionSeq2seq book({.vocabulary = 7, .embedding = 3, .hidden = 4}, rng);
  const AttentionRecording of_book(book);
  const Generated written = book.generate({3, 4, 5}, {.max_length = 4});
  CHECK(titles({.layers = of_book.layers()}) ==
        std::vector<std::string>{"What is written looks at the source"});

  const LanguageModel language({.vocabulary = 7, .layer = {.width = 4, .heads = 2}}, rng);
  const AttentionRecording of_language(language);
  language({ids_of({1, 4, 5}, {1, 3}), {}});
  CHECK(titles({.layers = of_language.layers()}) ==
        std::vector<std::string>{"What was written looks at itself", "Rollout: what steps are made of"});

  const NTM machine({.in = 3, .out = 2, .rows = 6, .width = 4, .hidden = 5}, rng);
  const AttentionRecording of_machine(machine);
  machine(Var(normal({1, 4, 3}, rng, DType::f32)));
  CHECK(titles({.layers = of_machine.layers()}) == std::vector<std::string>{"Heads"});

  const VisionTransformer vision(
      {.height = 8, .width = 8, .patch = 4, .classes = 3, .layer = {.width = 4, .heads = 2}}, rng);
  const AttentionRecording of_vision(vision);
  vision(Var(normal({1, 1, 8, 8}, rng, DType::f32)));
  const AttentionExample seen{.patches = {.rows = 2, .columns = 2}, .layers = of_vision.layers()};
  CHECK(titles(seen).size() == 2);
  CHECK(count_of(attention_page({seen}), "patches:[2,2,1]") == 1);
}

TEST_CASE("attention page: without any attention it says so") {
  const std::string page = attention_page({});
  CHECK(markup_fault(page) == "");
  CHECK(count_of(page, "No attention has run.") == 1);
}

TEST_CASE("candidates: the most probable ids of each step, the first of equals first") {
  const Tensor scores = Tensor::of({0, std::log(3.0), std::log(4.0), 1, 1, 1}, {1, 2, 3}, DType::f64);
  const auto steps = candidates_of(
      scores, [](std::int32_t id) { return std::to_string(id); }, 2);
  REQUIRE(steps.size() == 2);
  REQUIRE(steps[0].size() == 2);
  CHECK(steps[0][0].token == "2");
  CHECK(steps[0][0].probability == Approx(0.5));
  CHECK(steps[0][1].token == "1");
  CHECK(steps[0][1].probability == Approx(0.375));
  CHECK(steps[1][0].token == "0");
  CHECK(candidates_of(scores, [](std::int32_t) { return ""; }).front().size() == 3);
  CHECK(thrown<ShapeError>([] {
          candidates_of(Tensor::zeros({2, 2, 3}), {});
        }) == "ShapeError: candidates_of: scores are [2, 2, 3]\n  requires [T, V] or [1, T, V]");
}

}  // namespace heed::tests
