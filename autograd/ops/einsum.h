// Sums of products, written as Einstein did.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "autograd/var.h"

namespace heed {

/// The sum of products that the formula names: a letter for each axis of each operand, and after the arrow
/// those of the result.
///
///   einsum("ij,jk->ik", {a, b})        a b            einsum("bij,bkj->bik", {q, k})   q kT of each batch
///   einsum("ii->i", {a})               the diagonal   einsum("ij->ji", {a})            the transpose
///   einsum("...i,...i->...", {a, b})   dot products   einsum("i,j,k->ijk", {a, b, c})  all products
///
/// A letter in several places goes over them together; one that is not in the result is summed over. "..." are
/// the axes that have no letters, aligned at the last and broadcast. Without an arrow the result has "..." and
/// those letters that stand in one place, in alphabetical order. Operands are joined from left to right, each
/// pair by a transpose, a reshape and a product of matrices: write several of them to join them in another
/// order.
///   the gradient is that of these operations
///
/// Throws ConfigError for a formula that says nothing sensible, ShapeError when the letters of an operand are
/// not those of its axes, or one letter has two extents.
Var einsum(std::string_view formula, std::span<const Var> operands, SourceLocation at = {});
inline Var einsum(std::string_view formula, std::initializer_list<Var> operands, SourceLocation at = {}) {
  return einsum(formula, std::span(operands.begin(), operands.size()), at);
}

/// What two vectors say to each other in K ways: y_k = sum over i, j of a_i w_kij b_j, + bias_k.
///
///   a [..., I]   b [..., J]   w [K, I, J]   bias [K] or undefined   ->   y [..., K]
///   da = dy w b   db = dy a w   dw = dy a b, summed over rows   dbias = dy, summed over rows
///
/// Throws ShapeError unless the extents agree and the leading axes broadcast.
Var bilinear(const Var& a, const Var& b, const Var& w, const Var& bias, SourceLocation at = {});

}  // namespace heed
