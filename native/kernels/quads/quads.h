// What weights take to become small quads, kSmall in kernels/dot/dot.h: pack/smallquads says how
// many and where, and all that touches each weight is here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

constexpr size_t kQuadColumns = 8;  // of a panel, of all kernels of kSmall
constexpr size_t kQuadBytes = 4 * kQuadColumns;

// The weights of a tap: of each column a row, 0 from byte `depth` on up to the next multiple of 64
// and three bytes more.
struct QuadRows {
  const int8_t* first;
  size_t stride, depth;
};

// Sets large[depth / 64, rounded up], a bit for each byte of a tap: whether it and the byte behind
// are a pair beyond kMostOfPair in any column.
struct QuadMarkArgs {
  QuadRows rows;
  uint64_t* large;
};

// Where quads go, as they lie in panels.
struct QuadList {
  int8_t* weights;  // [quads][kQuadColumns][4]
  uint32_t* order;  // where each begins in its tap
};

// Covers a tap with quads: the first one begins at its first byte, and steps[q] tells how far it is
// from quad q to the next one, 1 to 4 bytes. The weights of bytes that both have are dealt out:
// after a step of 3, each column's weight such that its pairs come to the same, as near as can be;
// after a step of 2, quad q takes the first one; after a step of 1, the next quad takes all three.
// No pair may be large then. Quads that are small together are brought together, as far as they
// are soon found. Either list has room for all.
struct QuadPairArgs {
  QuadRows rows;
  const uint8_t* steps;
  size_t count;  // of quads, at least 1
  QuadList twos, ones;
};

struct QuadKernel {
  const char* name;
  Isa isa;
  void (*mark)(const QuadMarkArgs& args);
  // Returns how many quads come in twos.
  size_t (*pair)(const QuadPairArgs& args);
};

// Null where there is no dot kernel of kSmall either.
const QuadKernel* chooseQuads(Isa isa);

}  // namespace octavo
