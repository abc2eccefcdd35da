// Parameter structs of the steps, made from steps.inc: step Foo with fields a and b becomes
// `struct FooParams { int32_t a; float b; }`, laid out as the plan's words are.
#pragma once

#include <cstdint>

#include "native/plan/tensor.h"

namespace octavo {

#define OCTAVO_I32(name) int32_t name;
#define OCTAVO_F32(name) float name;
#define OCTAVO_I32X8(name) int32_t name[kMaxRank];
#define OCTAVO_STEP(name, fields) \
  struct name##Params {           \
    fields                        \
  };
#include "native/plan/steps.inc"
#undef OCTAVO_STEP
#undef OCTAVO_I32
#undef OCTAVO_F32
#undef OCTAVO_I32X8

enum class StepCode : int32_t {
#define OCTAVO_STEP(name, fields) k##name,
#include "native/plan/steps.inc"
#undef OCTAVO_STEP
  kCount
};

}  // namespace octavo
