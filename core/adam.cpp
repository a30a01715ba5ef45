#include "core/adam.h"

#include "core/kernels/cpu.h"

namespace heed {

void adam_step(const kernels::AdamStep<float>& step) { kernels::loops<float>().adam(step); }
void adam_step(const kernels::AdamStep<double>& step) { kernels::loops<double>().adam(step); }

}  // namespace heed
