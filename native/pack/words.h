// int16 weights as the kernels of kernels/dot16 read them: dot16.h tells the layout of a panel, and
// what chunks and parts are for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "native/kernels/dot16/dot16.h"
#include "native/pack/store.h"

namespace octavo {

struct WordLayout {
  const Dot16Kernel* kernel;
  size_t columns, depth;
  size_t pairs;
  size_t chunk;
  size_t parts;
  size_t panels, panelWords;

  std::string form() const;
};

// For weight [columns][depth].
WordLayout layoutWords(Isa isa, const int16_t* weight, size_t columns, size_t depth);

AlignedBuffer packWords(const WordLayout& layout, const int16_t* weight);

}  // namespace octavo
