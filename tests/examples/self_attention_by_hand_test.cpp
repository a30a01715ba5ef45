// The computation of examples/self_attention_by_hand.cpp, and the numbers that it shows.
#include <cmath>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "layers/attention.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

Var inputs() { return Var(Tensor::matrix({{1, 0, 1, 0}, {0, 2, 0, 2}, {1, 1, 1, 1}}, DType::f64)); }
Var key_map() { return Var(Tensor::matrix({{0, 0, 1}, {1, 1, 0}, {0, 1, 0}, {1, 1, 0}}, DType::f64)); }
Var value_map() { return Var(Tensor::matrix({{0, 2, 0}, {0, 3, 0}, {1, 0, 3}, {1, 1, 0}}, DType::f64)); }
Tensor query_map() { return Tensor::matrix({{1, 0, 1}, {1, 0, 0}, {0, 0, 1}, {0, 1, 1}}, DType::f64); }

Var keys() { return matmul(inputs(), key_map()); }
Var values() { return matmul(inputs(), value_map()); }
Var scores(const Var& w_query) { return matmul(matmul(inputs(), w_query), transpose(keys())); }
Var weighted_sums(const Var& weights) {
  return sum(unsqueeze(values(), 1) * unsqueeze(transpose(weights), 2), 0);
}

double distance(const Var& a, std::initializer_list<std::initializer_list<double>> rows) {
  return largest_difference(a.value(), Tensor::matrix(rows, DType::f64));
}

}  // namespace

TEST_CASE("self-attention by hand: without parameters, PyTorch's numbers, and scores the same both ways") {
  const Var scores = matmul(inputs(), transpose(inputs()));
  CHECK(distance(scores, {{2, 0, 2}, {0, 8, 4}, {2, 4, 4}}) == 0);
  CHECK(largest_difference(scores.value(), transpose(scores).value()) == 0);
  CHECK(distance(matmul(softmax(scores), inputs()),
                 {{0.936621061667, 0.595068407500, 0.936621061667, 0.595068407500},
                  {0.018309607174, 1.981361072387, 0.018309607174, 1.981361072387},
                  {0.531689469167, 1.404931592500, 0.531689469167, 1.404931592500}}) < 1e-11);
}

TEST_CASE("self-attention by hand: keys, queries, values and scores are the walk-through's") {
  CHECK(distance(keys(), {{0, 1, 1}, {4, 4, 0}, {2, 3, 1}}) == 0);
  CHECK(distance(matmul(inputs(), Var(query_map())), {{1, 0, 2}, {2, 2, 2}, {2, 1, 3}}) == 0);
  CHECK(distance(values(), {{1, 2, 3}, {2, 8, 0}, {2, 6, 3}}) == 0);
  CHECK(distance(scores(Var(query_map())), {{2, 4, 4}, {4, 16, 12}, {4, 12, 10}}) == 0);
}

TEST_CASE("self-attention by hand: rounded weights give the walk-through's outputs") {
  const Var rounded(Tensor::matrix({{0, 0.5, 0.5}, {0, 1, 0}, {0, 0.9, 0.1}}, DType::f64));
  CHECK(distance(weighted_sums(rounded), {{2, 7, 1.5}, {2, 8, 0}, {2, 7.8, 0.3}}) < 1e-14);
}

TEST_CASE(
    "self-attention by hand: what rounding takes from input 1 and gives to the others is the difference") {
  const Var weights = softmax(scores(Var(query_map())));
  const double lost = weights.value().at({0, 0});
  const Tensor difference =
      Tensor::of({2 - 1.936621061667, 7 - 6.683105308335, 1.5 - 1.595068407500}, {1, 3}, DType::f64);
  const Var moved(Tensor::matrix({{-lost, lost / 2, lost / 2}}, DType::f64));
  CHECK(largest_difference(matmul(moved, values()).value(), difference) < 1e-11);
}

TEST_CASE("self-attention by hand: scaled scores give PyTorch's outputs and a gentler softmax") {
  const Var queries = matmul(inputs(), Var(query_map()));
  CHECK(distance(attention(queries, keys(), values()), {{1.863874202443, 6.319371012215, 1.704188696335},
                                                        {1.999109552609, 7.814123504867, 0.273472058355},
                                                        {1.992555107623, 7.479635591775, 0.735877258076}}) <
        1e-11);
  const auto slope = [](const Var& w) { return (w * (1 - w)).value().at({1, 1}); };
  CHECK(slope(softmax(scores(Var(query_map())))) == Approx(0.017668418179));
  CHECK(slope(softmax(scores(Var(query_map())) * (1 / std::sqrt(3.0)))) == Approx(0.082847689818));
}

TEST_CASE("self-attention by hand: true weights and outputs are those that PyTorch computes") {
  const Var weights = softmax(scores(Var(query_map())));
  CHECK(distance(weights, {{6.337893833304e-02, 4.683105308335e-01, 4.683105308335e-01},
                           {6.033664854558e-06, 9.820078648958e-01, 1.798610143933e-02},
                           {2.953872230346e-04, 8.805369017750e-01, 1.191677110020e-01}}) < 1e-12);
  CHECK(distance(weighted_sums(weights), {{1.936621061667, 6.683105308335, 1.595068407500},
                                          {1.999993966335, 7.963991595132, 0.053976405313},
                                          {1.999704612777, 7.759892254658, 0.358389294675}}) < 1e-11);
  CHECK(largest_difference(matmul(weights, values()).value(), weighted_sums(weights).value()) < 1e-14);
}

TEST_CASE("self-attention by hand: TimeAttention with keys for states has the same weights") {
  const Var states = unsqueeze(keys(), 0), queries = unsqueeze(matmul(inputs(), Var(query_map())), 0);
  const Attended attended = TimeAttention()(states, queries);
  CHECK(largest_difference(squeeze(attended.weights, 0).value(), softmax(scores(Var(query_map()))).value()) <
        1e-14);
}

TEST_CASE("self-attention by hand: the gradient for the query map is PyTorch's and the finite differences'") {
  const Var w_query = Var::parameter(query_map(), "w_query");
  const auto attention = [](const Var& w) { return weighted_sums(softmax(scores(w))); };
  const Var number = select(select(attention(w_query), 0, 0), 0, 1);
  CHECK(distance(grad(number, {w_query})[0], {{1.827051789299, 1.210336137194, -0.616715652106},
                                              {0, 0, 0},
                                              {1.827051789299, 1.210336137194, -0.616715652106},
                                              {0, 0, 0}}) < 1e-11);
  const GradcheckReport report = gradcheck(
      [&](std::span<const Var> in) { return std::vector<Var>{attention(in[0])}; }, std::span(&w_query, 1));
  INFO(to_string(report));
  CHECK(report);
}

}  // namespace heed::tests
