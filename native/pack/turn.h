// Constants whose elements change places on their way from the caller to whoever packs or keeps
// them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

// Elements that lie as [batches][rows][columns] and are wanted as [batches][columns][rows].
struct Turn {
  size_t elementBytes;  // 1, 2, 4 or 8
  size_t batches, rows, columns;
};

// Writes the elements at `from`, behind which nothing need be readable, as they are wanted.
void turn(const Turn& turn, Isa isa, const uint8_t* from, uint8_t* to);

}  // namespace octavo
