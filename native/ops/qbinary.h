// Sums and products of uint8: what QAdd, QMul and the residual of a QConv share.
#pragma once

#include "native/kernels/elementwise/elementwise.h"
#include "native/ops/check.h"

namespace octavo {

// Zero points, bounds and multipliers of a sum or product.
Status checkQBinary(const QBinaryArgs& base);

}  // namespace octavo
