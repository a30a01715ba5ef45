// The value of a formula of autograd/inspect/formulas.h, computed from its text.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>

#include "core/elementwise.h"
#include "core/matmul.h"
#include "core/reduce.h"
#include "core/softmax.h"

namespace heed::tests {

/// Thrown for a text that is no formula, or has names without a value.
struct NotAFormula {};

/// Reads `a + b`, `- * / @ ^`, brackets, ᵀ, `x if a > b else y`, functions, numbers and names.
class FormulaReader {
 public:
  FormulaReader(std::string_view text, const std::function<Tensor(std::string_view)>& value_of)
      : text_(text), value_of_(value_of) {}

  Tensor value() {
    const Tensor value = choice();
    if (!text_.empty()) throw NotAFormula();
    return value;
  }

 private:
  bool accept(std::string_view token) {
    while (text_.starts_with(' ')) text_.remove_prefix(1);
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) throw NotAFormula();
  }

  Tensor choice() {
    const Tensor first = sum();
    if (!accept("if ")) return first;
    Tensor condition = sum();
    if (accept(">"))
      condition = less(sum(), condition);
    else if (accept("<"))
      condition = less(condition, sum());
    if (condition.dtype() != DType::boolean) throw NotAFormula();
    expect("else");
    return where(condition, first, choice());
  }
  Tensor sum() {
    Tensor value = product();
    for (;;) {
      if (accept("+"))
        value = value + product();
      else if (accept("-"))
        value = value - product();
      else
        return value;
    }
  }
  Tensor product() {
    Tensor value = signed_power();
    for (;;) {
      if (accept("*"))
        value = value * signed_power();
      else if (accept("/"))
        value = value / signed_power();
      else if (accept("@"))
        value = matmul(value, signed_power());
      else
        return value;
    }
  }
  Tensor signed_power() {
    if (accept("-")) return apply(kernels::Unary::negate, signed_power(), "test");
    const Tensor base = atom();
    if (!accept("^")) return base;
    return pow(base, atom());
  }
  Tensor atom() {
    Tensor value = bare_atom();
    while (accept("ᵀ")) value = value.transpose();
    return value;
  }
  Tensor bare_atom() {
    if (accept("(")) {
      const Tensor inner = choice();
      expect(")");
      return inner;
    }
    accept("");
    std::size_t end = 0;
    while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 ||
                                  text_[end] == '_' || text_[end] == '.'))
      ++end;
    const std::string word(text_.substr(0, end));
    text_.remove_prefix(end);
    if (word.empty()) throw NotAFormula();
    if (std::isdigit(static_cast<unsigned char>(word[0])) != 0)
      return Tensor::scalar(std::stod(word), DType::f64);
    if (!accept("(")) return word == "pi" ? Tensor::scalar(std::numbers::pi, DType::f64) : value_of_(word);
    const Tensor argument = choice();
    const Tensor second = accept(",") ? choice() : Tensor();
    expect(")");
    return call(word, argument, second);
  }
  static Tensor call(const std::string& function, const Tensor& x, const Tensor& second) {
    using kernels::Unary;
    static const std::map<std::string, Unary> kUnary{{"exp", Unary::exp},
                                                     {"log", Unary::log},
                                                     {"sqrt", Unary::sqrt},
                                                     {"tanh", Unary::tanh},
                                                     {"sigmoid", Unary::sigmoid}};
    if (const auto found = kUnary.find(function); found != kUnary.end()) return apply(found->second, x, "test");
    using Function = Tensor (*)(const Tensor&);
    static const std::map<std::string, Function> kFunctions{
        {"abs", abs},   {"sign", sign}, {"floor", floor}, {"ceil", ceil},   {"round", round}, {"trunc", trunc},
        {"sin", sin},   {"cos", cos},   {"tan", tan},     {"asin", asin},   {"acos", acos},   {"atan", atan},
        {"sinh", sinh}, {"cosh", cosh}, {"asinh", asinh}, {"acosh", acosh}, {"atanh", atanh}};
    if (const auto found = kFunctions.find(function); found != kFunctions.end()) return found->second(x);
    if (function == "erf") return erf(x);
    if (function == "softmax") return softmax(x);
    if (function == "rowsum") return heed::sum(x, -1, true);
    if (function == "rowmean") return heed::sum(x, -1, true) / static_cast<double>(x.extent(-1));
    if (function == "max" && second.defined()) return maximum(x, second);
    if (function == "min" && second.defined()) return minimum(x, second);
    if (function == "atan2" && second.defined()) return atan2(x, second);
    throw NotAFormula();
  }

  std::string_view text_;
  const std::function<Tensor(std::string_view)>& value_of_;
};

/// The value of `expression` where names have these values, or one of the definitions "s = …; t = …".
inline Tensor formula_value(std::string_view expression, const std::map<std::string, Tensor>& names,
                            const std::string& definitions = "") {
  const std::function<Tensor(std::string_view)> value_of = [&](std::string_view name) {
    if (const auto found = names.find(std::string(name)); found != names.end()) return found->second;
    const std::string beginning = std::string(name) + " = ", all = "; " + definitions;
    const std::size_t at = all.find("; " + beginning);
    if (at == std::string::npos) throw NotAFormula();
    const std::size_t begin = at + 2 + beginning.size();
    return FormulaReader(std::string_view(all).substr(begin, all.find(';', begin) - begin), value_of).value();
  };
  return FormulaReader(expression, value_of).value();
}

}  // namespace heed::tests
