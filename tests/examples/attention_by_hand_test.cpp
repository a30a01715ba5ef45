// The computation of examples/attention_by_hand.cpp, and the numbers that it shows.
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

TEST_CASE("attention by hand: keys, queries, values and scores are the walk-through's") {
  CHECK(distance(keys(), {{0, 1, 1}, {4, 4, 0}, {2, 3, 1}}) == 0);
  CHECK(distance(matmul(inputs(), Var(query_map())), {{1, 0, 2}, {2, 2, 2}, {2, 1, 3}}) == 0);
  CHECK(distance(values(), {{1, 2, 3}, {2, 8, 0}, {2, 6, 3}}) == 0);
  CHECK(distance(scores(Var(query_map())), {{2, 4, 4}, {4, 16, 12}, {4, 12, 10}}) == 0);
}

TEST_CASE("attention by hand: rounded weights give the walk-through's outputs") {
  const Var rounded(Tensor::matrix({{0, 0.5, 0.5}, {0, 1, 0}, {0, 0.9, 0.1}}, DType::f64));
  CHECK(distance(weighted_sums(rounded), {{2, 7, 1.5}, {2, 8, 0}, {2, 7.8, 0.3}}) < 1e-14);
}

TEST_CASE("attention by hand: true weights and outputs are those that PyTorch computes") {
  const Var weights = softmax(scores(Var(query_map())));
  CHECK(distance(weights, {{6.337893833304e-02, 4.683105308335e-01, 4.683105308335e-01},
                           {6.033664854558e-06, 9.820078648958e-01, 1.798610143933e-02},
                           {2.953872230346e-04, 8.805369017750e-01, 1.191677110020e-01}}) < 1e-12);
  CHECK(distance(weighted_sums(weights), {{1.936621061667, 6.683105308335, 1.595068407500},
                                          {1.999993966335, 7.963991595132, 0.053976405313},
                                          {1.999704612777, 7.759892254658, 0.358389294675}}) < 1e-11);
  CHECK(largest_difference(matmul(weights, values()).value(), weighted_sums(weights).value()) < 1e-14);
}

TEST_CASE("attention by hand: TimeAttention with keys for states has the same weights") {
  const Var states = unsqueeze(keys(), 0), queries = unsqueeze(matmul(inputs(), Var(query_map())), 0);
  const Attended attended = TimeAttention()(states, queries);
  CHECK(largest_difference(squeeze(attended.weights, 0).value(), softmax(scores(Var(query_map()))).value()) <
        1e-14);
}

TEST_CASE("attention by hand: the gradient for the query map is PyTorch's and the finite differences'") {
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
