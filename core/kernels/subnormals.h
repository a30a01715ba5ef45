// What becomes of numbers too small for the normal format (below 1.2e-38 in f32, 2.2e-308 in f64).
#pragma once

namespace heed {

/// Whether arithmetic on this thread takes subnormal numbers as 0 and gives 0 instead of them.
///
/// Such numbers turn up in training, in gradients that vanish and in moments that decay, and processors take a
/// hundred times as long over them. So a thread flushes them from the first tensor that it makes; the threads
/// that share an operation's work do as the thread does that called it. The mode is the processor's own and
/// holds for all arithmetic of the thread. Nothing is flushed in memory: tensors load and save whatever bits
/// they hold.
bool flushes_subnormals();

/// Turns flushing on or off for this thread; where the processor has no such mode, nothing happens.
void flush_subnormals(bool on);

}  // namespace heed
