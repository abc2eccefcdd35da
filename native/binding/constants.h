// Typed arrays, and the constants of a model, as JavaScript hands them over.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/plan/constants.h"

namespace octavo {

// Bytes of a typed array, also over a SharedArrayBuffer; length 0 when it is detached.
struct Bytes {
  const uint8_t* data;
  size_t size;
};

// Throws INTERNAL for what is no typed array.
Bytes bytesOf(Napi::Env env, const Napi::Value& value);

// The parts of a block of so many bytes.
struct Constants {
  size_t bytes = 0;
  std::vector<ConstantPart> parts;
};

// Constants, see NativeModel, whose bytes remain JavaScript's. Throws INTERNAL for parts that
// overlap or lie outside of the block.
Constants constantsOf(Napi::Env env, const Napi::Value& value);

}  // namespace octavo
