// Sizes rounded up to whole units.
#pragma once

#include <cstddef>

namespace octavo {

inline size_t divideUp(size_t a, size_t b) { return a / b + (a % b != 0); }
inline size_t roundUp(size_t a, size_t b) { return divideUp(a, b) * b; }

}  // namespace octavo
