// All operations on Vars, by family.
#pragma once

#include "autograd/ops/activations.h"  // gelu gelu_tanh silu mish leaky_relu prelu elu celu selu softsign
                                       // hard_sigmoid hard_tanh glu
#include "autograd/ops/addressing.h"   // cosine_similarity circular_convolution sharpen
#include "autograd/ops/arithmetic.h"   // + - * / exp log sqrt square tanh sigmoid relu erf where
#include "autograd/ops/arrange.h"      // pad roll tile repeat_interleave split chunk meshgrid
#include "autograd/ops/attention.h"    // attention
#include "autograd/ops/comparison.h"   // maximum minimum clamp masked_fill nan_to_num; as booleans: equal
                                       // not_equal less less_equal greater greater_equal isnan isinf isfinite
#include "autograd/ops/cumulative.h"   // cumulative_sum cumulative_product linear_recurrence
#include "autograd/ops/diagonal.h"     // tril triu diagonal diag_embed trace
#include "autograd/ops/dropout.h"      // dropout variational_dropout
#include "autograd/ops/einsum.h"       // einsum bilinear
#include "autograd/ops/embedding.h"    // embedding select_rows scatter_rows
#include "autograd/ops/gru.h"          // gru
#include "autograd/ops/indexing.h"     // x[{…}] gather scatter scatter_add index_select
                                       // take_along_axis masked_select
#include "autograd/ops/layer_norm.h"   // layer_norm
#include "autograd/ops/linear_algebra.h"  // matmul matmul_transposed transposed_matmul linear as_rows outer dot
                                          // matvec
#include "autograd/ops/logistic.h"        // softplus log_sigmoid
#include "autograd/ops/losses.h"          // cross_entropy nll binary_cross_entropy kl_divergence mse l1 huber
                                          // smooth_l1 hinge multi_class_margin margin_ranking paired_cosine
                                          // cosine_embedding triplet
#include "autograd/ops/lstm.h"            // lstm
#include "autograd/ops/powers.h"          // pow reciprocal rsqrt exp2 expm1 log1p log2 log10 erfc
#include "autograd/ops/recurrent.h"       // reverse_sequences
#include "autograd/ops/reduce.h"          // sum mean max min product variance standard_deviation norm
#include "autograd/ops/rms_norm.h"        // rms_norm
#include "autograd/ops/rnn.h"             // rnn
#include "autograd/ops/rounding.h"        // abs sign floor ceil round trunc fmod remainder straight_through
#include "autograd/ops/shape.h"           // reshape flatten unflatten transpose permute move_axis flip
                                          // slice select squeeze unsqueeze concat stack
#include "autograd/ops/softmax.h"         // softmax log_softmax softmin logsumexp sparsemax gumbel_softmax
#include "autograd/ops/sorting.h"         // sort top_k median
#include "autograd/ops/trigonometry.h"    // sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh
