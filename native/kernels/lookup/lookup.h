// Any function of one byte, as a table of its 256 values. ops/lookup drives it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

struct LookupArgs {
  const uint8_t* x;
  const uint8_t* table;  // 256 bytes
  uint8_t* y;
  size_t count;
};

struct LookupKernel {
  const char* name;
  Isa isa;
  void (*run)(const LookupArgs& args);
};

const LookupKernel& chooseLookup(Isa isa);

}  // namespace octavo
