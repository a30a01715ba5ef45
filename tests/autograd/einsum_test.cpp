// einsum against a plain loop over all letters, against other routes to the same result, and what it says of
// formulas that cannot be.
#include "autograd/ops/einsum.h"

#include <algorithm>
#include <map>
#include <string>

#include "autograd/ops.h"
#include "core/elementwise.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

Var drawn(const Shape& shape, Rng& rng) { return Var::parameter(Tensor::normal(shape, 0, 1, rng, DType::f64)); }

double difference(const Var& a, const Var& b) { return largest_difference(a.value(), b.value()); }

// The sum over all letters, one combination after the other: letters only, with an arrow.
Tensor plain_einsum(const std::string& formula, const std::vector<Var>& operands) {
  std::vector<std::string> parts(1);
  for (const char c : formula.substr(0, formula.find("->")))
    if (c == ',')
      parts.emplace_back();
    else
      parts.back().push_back(c);
  const std::string result = formula.substr(formula.find("->") + 2);
  std::map<char, std::int64_t> extent;
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (std::size_t axis = 0; axis < parts[i].size(); ++axis)
      extent[parts[i][axis]] = operands[i].extent(static_cast<int>(axis));
  std::map<char, std::int64_t> position;
  std::int64_t combinations = 1;
  for (const auto& [letter, n] : extent) combinations *= n;
  const auto offset = [&](const std::string& letters) {
    std::int64_t at = 0;
    for (const char letter : letters) at = at * extent[letter] + position[letter];
    return at;
  };
  Shape shape;
  for (const char letter : result) shape = shape.inserted(shape.rank(), extent[letter]);
  std::vector<double> sums(static_cast<std::size_t>(shape.count()), 0.0);
  for (std::int64_t combination = 0; combination < combinations; ++combination) {
    std::int64_t rest = combination;
    for (const auto& [letter, n] : extent) {
      position[letter] = rest % n;
      rest /= n;
    }
    double product = 1;
    for (std::size_t i = 0; i < parts.size(); ++i)
      product *= operands[i].value().data<double>()[offset(parts[i])];
    sums[static_cast<std::size_t>(offset(result))] += product;
  }
  return Tensor::of(sums, shape, DType::f64);
}

TEST_CASE("einsum: is the sum over all letters, whatever the formula") {
  const std::map<char, std::int64_t> extents{{'a', 2}, {'b', 3}, {'c', 4}, {'d', 2}, {'e', 3}, {'f', 1}};
  Rng rng(1);
  for (const std::string formula :
       {"a->a",        "a->",           "ab->ba",         "aa->",          "aa->a",        "aba->ab",
        "abb->a",      "aabb->ba",      "abab->ba",       "aaa->a",        "abcd->dbac",   "ab,bc->ac",
        "ab,bc->ca",   "ab,cb->ac",     "ba,bc->ac",      "ab,ab->",       "ab,ab->ab",    "ab,ba->a",
        "a,b->ab",     "a,b->ba",       "a,b->",          "ab,c->cab",     "abc,cbd->ad",  "abc,abd->acd",
        "abc,abd->cd", "abc,ade->ebdc", "aab,bc->ac",     "ab,bb->a",      "ab,bc,cd->ad", "ab,bc,ca->",
        "a,a,a->a",    "a,b,c->cba",    "abc,bd,ce->ade", "ab,ac,ad->bcd", "abf,fc->ac",   "f,f->f",
        "f,f->",       "abcd,cdba->",   "abc,abc,abc->b", "ab,cd,ef->"}) {
    std::vector<Var> operands;
    Shape shape;
    for (const char c : formula.substr(0, formula.find("->")) + ",")
      if (c == ',') {
        operands.push_back(drawn(shape, rng));
        shape = Shape();
      } else {
        shape = shape.inserted(shape.rank(), extents.at(c));
      }
    INFO(formula);
    const Var y = einsum(formula, operands);
    const Tensor expected = plain_einsum(formula, operands);
    REQUIRE(y.shape() == expected.shape());
    CHECK(largest_difference(y.value(), expected) < 1e-13);
  }
}

TEST_CASE("einsum: without an arrow the letters that stand once, in alphabetical order") {
  Rng rng(2);
  const Var a = drawn({2, 3}, rng), b = drawn({3, 4}, rng), square = drawn({3, 3}, rng);
  CHECK(difference(einsum("ij,jk", {a, b}), matmul(a, b)) < 1e-14);
  CHECK(difference(einsum("ba", {a}), transpose(a)) == 0);
  CHECK(difference(einsum("kj,ji", {a, b}), transpose(matmul(a, b))) < 1e-14);
  CHECK(difference(einsum("ii", {square}), trace(square)) < 1e-14);
  CHECK(difference(einsum("Ba", {a}), a) == 0);  // capitals come first
  CHECK(difference(einsum(" i j , j k -> i k ", {a, b}), matmul(a, b)) < 1e-14);
}

TEST_CASE("einsum: an ellipsis stands for the other axes, which broadcast") {
  Rng rng(3);
  const Var a = drawn({2, 1, 3, 4}, rng), b = drawn({5, 4, 2}, rng), v = drawn({4}, rng);
  CHECK(difference(einsum("...ij,...jk->...ik", {a, b}), matmul(a, b)) < 1e-13);
  CHECK(difference(einsum("...ij,...jk", {a, b}), matmul(a, b)) < 1e-13);
  CHECK(difference(einsum("i...->...i", {a}), move_axis(a, 0, -1)) == 0);
  CHECK(difference(einsum("...->...", {a}), a) == 0);
  CHECK(difference(einsum("...j,j->...", {a, v}), matvec(a, v)) < 1e-13);
  CHECK(difference(einsum("...,j->...j", {v, v}), outer(v, v)) == 0);
  CHECK(difference(einsum("...,...->...", {a, reshape(v, {4, 1, 1})}), a * reshape(v, {4, 1, 1})) == 0);
  CHECK(difference(einsum("i...j->j...i", {b}), einsum("iaj->jai", {b})) == 0);
  const Var squares = drawn({2, 3, 3}, rng);
  CHECK(difference(einsum("...ii->...i", {squares}), diagonal(squares)) == 0);
}

TEST_CASE("einsum: other routes give the same values and gradients") {
  Rng rng(4);
  const Var q = drawn({2, 3, 5, 4}, rng), k = drawn({2, 3, 6, 4}, rng), w = drawn({2, 3, 5, 6}, rng);
  const auto gradients = [&](const Var& scores) { return grad(sum(scores * w), {q, k}); };
  const std::vector<Var> einsums = gradients(einsum("bhtd,bhsd->bhts", {q, k})),
                         products = gradients(matmul(q, transpose(k)));
  for (std::size_t i = 0; i < 2; ++i) CHECK(difference(einsums[i], products[i]) < 1e-13);
  // Heads put together and projected.
  const Var heads = drawn({2, 3, 5, 4}, rng), out = drawn({3, 4, 7}, rng);
  const Var joined = matmul(flatten(permute(heads, {0, 2, 1, 3}), 2), flatten(out, 0, 1));
  CHECK(difference(einsum("bhtd,hde->bte", {heads, out}), joined) < 1e-13);
}

TEST_CASE("einsum: empty axes sum to 0, f32 stays f32, and the line of the call is known") {
  const Var y = einsum("ij,jk->ik", {Var(Tensor::ones({2, 0})), Var(Tensor::ones({0, 3}))});
  CHECK(y.value().to_vector() == std::vector<double>(6, 0.0));
  CHECK(y.dtype() == DType::f32);
  const Var x = Var::parameter(Tensor::ones({2, 3}));
  const Var z = einsum("ij,kj->ik", {x, x});
  CHECK(text(z.recorded_by()) == text("tests/autograd/einsum_test.cpp:", __LINE__ - 1));
}

TEST_CASE("einsum: a letter with two extents is named with both operands") {
  const Var a = Var::parameter(Tensor::ones({2, 3}), "a"), b(Tensor::ones({4, 5}));
  CHECK(thrown<ShapeError>([&] {
          einsum("ij,jk->ik", {a, b});
        }) ==
        "ShapeError: einsum: \"ij,jk->ik\": letter j is 3 in operand 0 [2, 3] and 4 in operand 1 [4, 5]\n"
        "  requires one extent for each letter\n"
        "  operand 0: parameter \"a\"    operand 1: a tensor");
  CHECK_THAT(thrown<ShapeError>([&] { einsum("ii->i", {a}); }),
             ContainsSubstring("letter i is 2 in operand 0 [2, 3] and 3 in operand 0 [2, 3]"));
  CHECK_THAT(thrown<ShapeError>([&] {
               einsum("...i,...i->...", {b, Var(Tensor::ones({3, 5}))});
             }),
             ContainsSubstring("an axis of \"...\" is 4 in operand 0 [4, 5] and 3 in operand 1 [3, 5]\n"
                               "  requires extents that broadcast"));
}

TEST_CASE("einsum: letters that are not the axes of their operand are an error") {
  const Var a(Tensor::ones({2, 3, 4}));
  CHECK(thrown<ShapeError>([&] { einsum("ij->ji", {a}); }) ==
        "ShapeError: einsum: \"ij->ji\": operand 0 is [2, 3, 4], its letters are \"ij\"\n"
        "  requires rank 2, got 3\n"
        "  a tensor");
  CHECK_THAT(thrown<ShapeError>([&] { einsum("...ijkl->...", {a}); }),
             ContainsSubstring("its letters are \"...ijkl\"\n  requires rank >= 4, got 3"));
}

TEST_CASE("einsum: formulas that say nothing sensible are a ConfigError that says why") {
  const Var a(Tensor::ones({2, 2}));
  const auto complaint = [&](const char* formula) {
    const std::string message = thrown<ConfigError>([&] { einsum(formula, {a}); });
    return message.substr(0, message.find('\n'));
  };
  CHECK(complaint("ij,jk->ik") == "ConfigError: einsum: \"ij,jk->ik\": speaks of 2 operands, 1 given");
  CHECK(complaint("ij->ik") == "ConfigError: einsum: \"ij->ik\": letter k of the result is in no operand");
  CHECK(complaint("ij->ii") == "ConfigError: einsum: \"ij->ii\": letter i is twice in the result");
  CHECK(complaint("i1->i") == "ConfigError: einsum: \"i1->i\": \"i1\" has a \"1\"");
  CHECK(complaint("i..->i") == "ConfigError: einsum: \"i..->i\": \"i..\" has a \".\"");
  CHECK(complaint("......->") == "ConfigError: einsum: \"......->\": \"......\" has a \".\"");
  CHECK(complaint("ij->i->j") == "ConfigError: einsum: \"ij->i->j\": \"i->j\" has a \"-\"");
  CHECK(complaint("...i->i") ==
        "ConfigError: einsum: \"...i->i\": the result lacks the \"...\" of the operands");
  CHECK(complaint("ij->...ij") ==
        "ConfigError: einsum: \"ij->...ij\": the result has a \"...\" that no operand has");
  CHECK_THROWS_AS(einsum("", std::span<const Var>()), ConfigError);
}

TEST_CASE("einsum: more axes on the way than a tensor may have are an error with a hint") {
  const Var a(Tensor::ones({1, 1, 1, 1, 1}));
  CHECK(thrown<ShapeError>([&] {
          einsum("abcde,fghij,aj->bcdefghi", {a, a, a[{0, 0, 0}]});
        }) ==
        "ShapeError: einsum: \"abcde,fghij,aj->bcdefghi\": a product on the way has 10 axes, more than the 8 "
        "that a "
        "tensor may have\n  hint: write it as several einsums");
}

}  // namespace
}  // namespace heed::tests
