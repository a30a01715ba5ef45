#include "autograd/ops/einsum.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/diagonal.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "core/error.h"

namespace heed {
namespace {

// What an axis is called: a letter, or for an axis of the ellipsis kEllipsis plus its number from the right.
using Label = int;
constexpr Label kEllipsis = 256;
constexpr Label kLabels = kEllipsis + kMaxRank;

using Labels = std::vector<Label>;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool contains(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

// The letters of one operand, or of the result.
struct Subscripts {
  std::string text;  // as given, without blanks
  Labels letters;
  std::size_t letters_before_ellipsis = 0;
  bool ellipsis = false;
};

[[noreturn]] void throw_formula(std::string_view formula, const std::string& what,
                                const std::string& expected = {}) {
  throw ConfigError({.what = text("einsum: \"", formula, "\": ", what), .expected = expected});
}

Subscripts read_subscripts(std::string_view part, std::string_view formula) {
  Subscripts read;
  for (const char c : part)
    if (c != ' ') read.text.push_back(c);
  for (std::size_t i = 0; i < read.text.size(); ++i) {
    const char c = read.text[i];
    if (is_letter(c)) {
      read.letters.push_back(c);
    } else if (read.text.compare(i, 3, "...") == 0 && !read.ellipsis) {
      read.ellipsis = true;
      read.letters_before_ellipsis = read.letters.size();
      i += 2;
    } else {
      throw_formula(formula, text("\"", read.text, "\" has a \"", c, "\""), "letters and at most one \"...\"");
    }
  }
  return read;
}

// The formula as read; the result's subscripts are made up when it has no arrow.
struct Formula {
  std::string_view whole;
  std::vector<Subscripts> operands;
  Subscripts result;
};

Subscripts implied_result(const std::vector<Subscripts>& operands) {
  std::array<int, kEllipsis> places{};
  Subscripts result;
  for (const Subscripts& operand : operands) {
    result.ellipsis |= operand.ellipsis;
    for (const Label letter : operand.letters) ++places[static_cast<std::size_t>(letter)];
  }
  for (Label letter = 0; letter < kEllipsis; ++letter)
    if (places[static_cast<std::size_t>(letter)] == 1) result.letters.push_back(letter);
  return result;
}

void require_result(const Formula& formula) {
  const Subscripts& result = formula.result;
  const auto in_operands = [&](auto has) {
    return std::any_of(formula.operands.begin(), formula.operands.end(), has);
  };
  for (std::size_t i = 0; i < result.letters.size(); ++i) {
    const Label letter = result.letters[i];
    const std::string name(1, static_cast<char>(letter));
    if (!in_operands([letter](const Subscripts& s) { return contains(s.letters, letter); }))
      throw_formula(formula.whole, text("letter ", name, " of the result is in no operand"));
    if (std::find(result.letters.begin(), result.letters.begin() + static_cast<std::ptrdiff_t>(i), letter) !=
        result.letters.begin() + static_cast<std::ptrdiff_t>(i))
      throw_formula(formula.whole, text("letter ", name, " is twice in the result"));
  }
  const bool given = in_operands([](const Subscripts& s) { return s.ellipsis; });
  if (given != result.ellipsis)
    throw_formula(formula.whole, given ? "the result lacks the \"...\" of the operands"
                                       : "the result has a \"...\" that no operand has");
}

Formula read_formula(std::string_view whole, std::size_t operands) {
  Formula formula{whole, {}, {}};
  const std::size_t arrow = whole.find("->");
  std::string_view left = whole.substr(0, arrow);
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = left.find(',');
    formula.operands.push_back(read_subscripts(left.substr(0, comma), whole));
    if (comma != std::string_view::npos) left.remove_prefix(comma + 1);
  }
  if (formula.operands.size() != operands)
    throw_formula(whole, text("speaks of ", formula.operands.size(), " operands, ", operands, " given"));
  formula.result = arrow == std::string_view::npos ? implied_result(formula.operands)
                                                   : read_subscripts(whole.substr(arrow + 2), whole);
  require_result(formula);
  return formula;
}

// A value whose axes have labels.
struct Term {
  Var value;
  Labels labels;
};

// The labels of all axes, those of the ellipsis in their place.
Labels labels_of(const Subscripts& subscripts, int ellipsis_axes) {
  Labels labels = subscripts.letters;
  for (int i = 0; i < ellipsis_axes; ++i)  // inserted before each other: the last axis has number 0
    labels.insert(labels.begin() + static_cast<std::ptrdiff_t>(subscripts.letters_before_ellipsis),
                  kEllipsis + i);
  return labels;
}

// Extents by label, with the operand that each comes from.
class Extents {
 public:
  Extents(std::string_view formula, std::span<const Var> operands) : formula_(formula), operands_(operands) {
    extent_.fill(-1);
  }

  std::int64_t operator[](Label label) const { return extent_[static_cast<std::size_t>(label)]; }

  void meet(Label label, std::size_t operand, int axis) {
    const std::size_t at = static_cast<std::size_t>(label);
    const std::int64_t n = operands_[operand].extent(axis);
    const bool broadcasts = label >= kEllipsis && (n == 1 || extent_[at] == 1);
    if (extent_[at] >= 0 && extent_[at] != n && !broadcasts) complain(label, operand, n);
    if (extent_[at] < 0 || extent_[at] == 1) {
      extent_[at] = n;
      from_[at] = operand;
    }
  }

 private:
  [[noreturn]] void complain(Label label, std::size_t operand, std::int64_t n) const {
    const std::size_t first = from_[static_cast<std::size_t>(label)];
    const std::string name =
        label < kEllipsis ? text("letter ", static_cast<char>(label)) : std::string("an axis of \"...\"");
    const auto place = [&](std::size_t i) { return text("operand ", i, " ", operands_[i].shape()); };
    throw ShapeError({.what = text("einsum: \"", formula_, "\": ", name, " is ", (*this)[label], " in ",
                                   place(first), " and ", n, " in ", place(operand)),
                      .expected = label < kEllipsis ? "one extent for each letter" : "extents that broadcast",
                      .operands = text("operand ", first, ": ", operands_[first].value().origin(),
                                       "    operand ", operand, ": ", operands_[operand].value().origin())});
  }

  std::string_view formula_;
  std::span<const Var> operands_;
  std::array<std::int64_t, kLabels> extent_;
  std::array<std::size_t, kLabels> from_{};
};

Term labelled(const Formula& formula, std::span<const Var> operands, std::size_t i, Extents& extents) {
  const Subscripts& subscripts = formula.operands[i];
  const int letters = static_cast<int>(subscripts.letters.size()), rank = operands[i].rank();
  if (subscripts.ellipsis ? rank < letters : rank != letters)
    throw ShapeError({.what = text("einsum: \"", formula.whole, "\": operand ", i, " is ", operands[i].shape(),
                                   ", its letters are \"", subscripts.text, "\""),
                      .expected = text("rank ", subscripts.ellipsis ? ">= " : "", letters, ", got ", rank),
                      .operands = operands[i].value().origin()});
  Term term{operands[i], labels_of(subscripts, rank - letters)};
  for (int axis = 0; axis < rank; ++axis) extents.meet(term.labels[static_cast<std::size_t>(axis)], i, axis);
  return term;
}

// Joins the terms one after the other.
class Joining {
 public:
  Joining(const Formula& formula, const Extents& extents, const SourceLocation& at)
      : formula_(formula), extents_(extents), at_(at) {}

  // Of a letter that stands twice the diagonal; axes that broadcast, and have extent 1, dropped.
  void simplify(Term& term) const {
    for (std::size_t i = 0; i < term.labels.size();) {
      const Label label = term.labels[i];
      const auto first = term.labels.begin() + static_cast<std::ptrdiff_t>(i);
      const auto twin = std::find(first + 1, term.labels.end(), label);
      if (twin == term.labels.end()) {
        ++i;
        continue;
      }
      const int other = static_cast<int>(twin - term.labels.begin());
      term.value = diagonal(term.value, 0, static_cast<int>(i), other, at_);
      term.labels.erase(twin);
      term.labels.erase(first);
      term.labels.push_back(label);
    }
    for (std::size_t i = term.labels.size(); i-- > 0;) {
      if (term.value.extent(static_cast<int>(i)) == extents_[term.labels[i]]) continue;
      term.value = squeeze(term.value, static_cast<int>(i), at_);
      term.labels.erase(term.labels.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  // Sums over the labels that `stays` does not want.
  template <class Stays>
  void sum_out(Term& term, Stays stays) const {
    std::vector<int> axes;
    Labels left;
    for (std::size_t i = 0; i < term.labels.size(); ++i)
      if (stays(term.labels[i]))
        left.push_back(term.labels[i]);
      else
        axes.push_back(static_cast<int>(i));
    if (axes.empty()) return;
    term.value = sum(term.value, axes, false, at_);
    term.labels = std::move(left);
  }

  // The axes in the order of `labels`.
  void arrange(Term& term, const Labels& labels) const {
    if (term.labels == labels) return;
    std::vector<int> order;
    for (const Label label : labels)
      order.push_back(
          static_cast<int>(std::find(term.labels.begin(), term.labels.end(), label) - term.labels.begin()));
    term.value = permute(term.value, order, at_);
    term.labels = labels;
  }

  // The product of two terms, summed over the labels of both that `stays` does not want.
  template <class Stays>
  Term join(Term a, Term b, Stays stays) const {
    sum_out(a, [&](Label label) { return contains(b.labels, label) || stays(label); });
    sum_out(b, [&](Label label) { return contains(a.labels, label) || stays(label); });
    Labels batch, only_a, only_b, inner;
    for (const Label label : a.labels)
      (!contains(b.labels, label) ? only_a : stays(label) ? batch : inner).push_back(label);
    for (const Label label : b.labels)
      if (!contains(a.labels, label)) only_b.push_back(label);
    const Labels result = joined({batch, only_a, only_b});
    if (result.size() > kMaxRank)
      throw ShapeError(
          {.what = text("einsum: \"", formula_.whole, "\": a product on the way has ", result.size(),
                        " axes, more than the ", kMaxRank, " that a tensor may have"),
           .hint = "write it as several einsums"});
    arrange(a, joined({batch, only_a, inner}));
    arrange(b, joined({batch, inner, only_b}));
    const std::int64_t m = count(only_a), n = count(only_b), k = count(inner);
    if (inner.empty()) {
      const Var left = shaped(a.value, joined({batch, only_a}), only_b.size());
      Shape right = shape_of(batch);
      for (std::size_t i = 0; i < only_a.size(); ++i) right = right.inserted(right.rank(), 1);
      for (const Label label : only_b) right = right.inserted(right.rank(), extents_[label]);
      return {Operand(left, at_) * reshaped(b.value, right), result};
    }
    const bool batched = !batch.empty();
    const std::int64_t rows = count(batch);
    const Var left = reshaped(a.value, batched ? Shape{rows, m, k} : Shape{m, k});
    const Var right = reshaped(b.value, batched ? Shape{rows, k, n} : Shape{k, n});
    return {reshaped(matmul(left, right, at_), shape_of(result)), result};
  }

 private:
  static Labels joined(std::initializer_list<Labels> parts) {
    Labels all;
    for (const Labels& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }
  Shape shape_of(const Labels& labels) const {
    Shape shape;
    for (const Label label : labels) shape = shape.inserted(shape.rank(), extents_[label]);
    return shape;
  }
  std::int64_t count(const Labels& labels) const {
    std::int64_t n = 1;
    for (const Label label : labels) n *= extents_[label];
    return n;
  }
  Var reshaped(const Var& x, const Shape& shape) const {
    return x.shape() == shape ? x : reshape(x, shape, at_);
  }
  // x with trailing axes of extent 1.
  Var shaped(const Var& x, const Labels& labels, std::size_t ones) const {
    Shape shape = shape_of(labels);
    for (std::size_t i = 0; i < ones; ++i) shape = shape.inserted(shape.rank(), 1);
    return reshaped(x, shape);
  }

  const Formula& formula_;
  const Extents& extents_;
  SourceLocation at_;
};

}  // namespace

Var einsum(std::string_view whole, std::span<const Var> operands, SourceLocation at) {
  const Formula formula = read_formula(whole, operands.size());
  Extents extents(whole, operands);
  std::vector<Term> terms;
  for (std::size_t i = 0; i < operands.size(); ++i) terms.push_back(labelled(formula, operands, i, extents));
  int ellipsis_axes = 0;
  for (Label label = kEllipsis; label < kLabels; ++label) ellipsis_axes += extents[label] >= 0;
  const Labels result = labels_of(formula.result, ellipsis_axes);

  const Joining joining(formula, extents, at);
  for (Term& term : terms) joining.simplify(term);
  Term product = terms[0];
  for (std::size_t next = 1; next < terms.size(); ++next)
    product = joining.join(std::move(product), terms[next], [&](Label label) {
      const auto speaks_of_it = [label](const Term& term) { return contains(term.labels, label); };
      return contains(result, label) ||
             std::any_of(terms.begin() + static_cast<std::ptrdiff_t>(next) + 1, terms.end(), speaks_of_it);
    });
  joining.sum_out(product, [&](Label label) { return contains(result, label); });
  joining.arrange(product, result);
  return product.value;
}

Var bilinear(const Var& a, const Var& b, const Var& w, const Var& bias, SourceLocation at) {
  if (a.rank() < 1 || b.rank() < 1 || w.rank() != 3 || w.extent(1) != a.extent(-1) ||
      w.extent(2) != b.extent(-1) || (bias.defined() && bias.shape() != Shape{w.extent(0)}))
    throw ShapeError({.what = text("bilinear: a is ", a.shape(), ", b is ", b.shape(), ", w is ", w.shape(),
                                   bias.defined() ? text(", the bias is ", bias.shape()) : ""),
                      .expected = "a [..., I], b [..., J], w [K, I, J], bias [K]",
                      .operands = text("w: ", w.value().origin())});
  const Var y = einsum("...i,kij,...j->...k", {a, w, b}, at);
  return bias.defined() ? Operand(y, at) + bias : y;
}

}  // namespace heed
