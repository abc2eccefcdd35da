// The operators, one prepare function per step code.
#pragma once

#include "native/ops/op.h"

namespace octavo {

#define OCTAVO_STEP(name, fields)                                           \
  Status prepare##name(const StepView& step, const PrepareContext& context, \
                       std::unique_ptr<PreparedStep>* prepared);
#include "native/plan/steps.inc"
#undef OCTAVO_STEP

}  // namespace octavo
