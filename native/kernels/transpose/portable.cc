// Plain C++, for any CPU, and the specification of the family.
#include <stdint.h>

#include "native/kernels/transpose/transpose.h"

namespace octavo {
namespace {

template <typename T>
void transpose(const TransposeArgs& args) {
  for (size_t j = 0; j < args.columns; ++j) {
    const T* x = static_cast<const T*>(args.x) + j;
    T* y = static_cast<T*>(args.y) + j * args.yStride;
    for (size_t i = 0; i < args.rows; ++i) y[i] = x[i * args.xStride];
  }
}

}  // namespace

void transpose_b1_portable(const TransposeArgs& args) { transpose<uint8_t>(args); }
void transpose_b2_portable(const TransposeArgs& args) { transpose<uint16_t>(args); }
void transpose_b4_portable(const TransposeArgs& args) { transpose<uint32_t>(args); }
void transpose_b8_portable(const TransposeArgs& args) { transpose<uint64_t>(args); }

}  // namespace octavo
