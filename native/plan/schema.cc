#include "native/plan/executor.h"

namespace octavo {

const char* schemaText() {
  // Each step begins with a line break; the first one is skipped.
  static const char text[] =
#define OCTAVO_I32(name) " " #name ":i32"
#define OCTAVO_F32(name) " " #name ":f32"
#define OCTAVO_I32X8(name) " " #name ":i32x8"
#define OCTAVO_STEP(name, fields) "\n" #name fields
#include "native/plan/steps.inc"
#undef OCTAVO_STEP
#undef OCTAVO_I32
#undef OCTAVO_F32
#undef OCTAVO_I32X8
      ;
  return text + 1;
}

}  // namespace octavo
