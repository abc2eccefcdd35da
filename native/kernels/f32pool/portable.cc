// Plain C++, for any CPU, and the specification of the family.
#include "native/kernels/f32pool/f32pool.h"

namespace octavo {

void averagepool_f32_portable(const AveragePoolArgs& args) {
  for (size_t c = 0; c < args.channels; ++c) {
    double sum = 0;
    for (size_t i = 0; i < args.rows; ++i) {
      const float* x = args.x + i * args.rowStride + c;
      for (size_t j = 0; j < args.cells; ++j) sum += x[j * args.cellStride];
    }
    args.y[c] = static_cast<float>(sum) / args.divisor;
  }
}

}  // namespace octavo
