// The memory of a Neural Turing Machine: finding a place in it, reading and writing.
//
// Source: Graves, Wayne and Danihelka 2014, "Neural Turing Machines", section 3. B batch, N rows of the memory,
// M their width, H heads, 2k + 1 shifts.
#pragma once

#include "autograd/var.h"

namespace heed::ntm {

/// Where heads want to go.
struct Address {
  Var key;    ///< k [B, H, M]: the content looked for
  Var beta;   ///< β [B, H, 1] >= 0: key strength, how sure the match must be
  Var gate;   ///< g [B, H, 1] in [0, 1]: 1 goes by content, 0 stays with the weighting before
  Var shift;  ///< s [B, H, 2k + 1], a distribution over moves by -k … k rows; the last row is before the first
  Var gamma;  ///< γ [B, H, 1] >= 1: sharpening
};

/// The weighting of each head over the rows, [B, H, N], from the one before; each sums to 1:
///
///   w_c = softmax(β cos(k, memory))   w_g = g w_c + (1 - g) before   w_s = w_g convolved with s around the
///   ring w = w_s^γ / sum(w_s^γ)
///
/// Finite, with finite gradients, whatever is 0: keys, rows or weights. Throws ShapeError when they do not fit.
Var weighting(const Var& memory, const Var& before, const Address& address);

/// What heads read: weights [B, H, N], memory [B, N, M] -> [B, H, M], the rows weighted and added up.
Var read(const Var& memory, const Var& weights);

/// The memory after heads have written: all erase, then all add.
///
///   weights w [B, H, N]   erase e [B, H, M] in [0, 1]   add a [B, H, M]   ->   [B, N, M]
///   memory * product over heads of (1 - w eT) + sum over heads of w aT
Var write(const Var& memory, const Var& weights, const Var& erase, const Var& add);

}  // namespace heed::ntm
