// All operations on Vars, by family.
#pragma once

#include "autograd/ops/activations.h"  // gelu gelu_tanh silu mish leaky_relu prelu elu celu selu softsign
                                       // hard_sigmoid hard_tanh glu
#include "autograd/ops/addressing.h"   // cosine_similarity circular_convolution sharpen
#include "autograd/ops/arithmetic.h"   // + - * / exp log sqrt square tanh sigmoid relu erf where
#include "autograd/ops/attention.h"    // attention
#include "autograd/ops/comparison.h"   // maximum minimum clamp masked_fill nan_to_num; as booleans: equal
                                       // not_equal less less_equal greater greater_equal isnan isinf isfinite
#include "autograd/ops/dropout.h"      // dropout variational_dropout
#include "autograd/ops/embedding.h"    // embedding scatter_rows
#include "autograd/ops/gru.h"          // gru
#include "autograd/ops/layer_norm.h"   // layer_norm
#include "autograd/ops/linear_algebra.h"  // matmul linear as_rows
#include "autograd/ops/logistic.h"        // softplus log_sigmoid
#include "autograd/ops/losses.h"          // cross_entropy nll binary_cross_entropy kl_divergence mse l1 huber
                                          // smooth_l1 hinge multi_class_margin margin_ranking paired_cosine
                                          // cosine_embedding triplet
#include "autograd/ops/lstm.h"            // lstm
#include "autograd/ops/powers.h"          // pow reciprocal rsqrt exp2 expm1 log1p log2 log10 erfc
#include "autograd/ops/recurrent.h"       // reverse_sequences
#include "autograd/ops/reduce.h"          // sum mean
#include "autograd/ops/rms_norm.h"        // rms_norm
#include "autograd/ops/rnn.h"             // rnn
#include "autograd/ops/rounding.h"        // abs sign floor ceil round trunc fmod remainder straight_through
#include "autograd/ops/shape.h"         // reshape transpose permute slice select squeeze unsqueeze concat stack
#include "autograd/ops/softmax.h"       // softmax log_softmax softmin logsumexp sparsemax gumbel_softmax
#include "autograd/ops/trigonometry.h"  // sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh
