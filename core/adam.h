// The update of Adam on plain memory.
#pragma once

#include "core/kernels/table.h"

namespace heed {

/// One step of Adam or AdamW over adjacent elements; kernels::AdamStep says what it computes.
void adam_step(const kernels::AdamStep<float>& step);
void adam_step(const kernels::AdamStep<double>& step);

}  // namespace heed
