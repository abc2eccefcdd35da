// Which quads cover a tap: as few as can be, each of which may overlap the next one, such that the
// weights they have in common can be dealt out so that no pair is large.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/kernels/quads/quads.h"

namespace octavo {

class QuadCover {
 public:
  explicit QuadCover(const QuadKernel& kernel) : kernel_(kernel) {}

  // Adds the steps of a tap's quads, see QuadPairArgs.
  void cover(const QuadRows& rows, std::vector<uint8_t>* steps);

 private:
  // Where a quad may begin that has so many in front of it: at byte `most`, or at byte most - lag,
  // bit 31 - lag standing for it; those further back are not followed. `alone`: from where the
  // next quad may begin behind its end; `sharing`: from where it may begin a byte before that. Two
  // bytes before it always may.
  struct Stage {
    uint32_t alone, sharing;
    size_t most;
  };

  void mark(const QuadRows& rows);
  const Stage* findStages(size_t first, size_t depth);

  const QuadKernel& kernel_;
  // Bits of bytes, from bit 64 on: whether a byte and the one behind are a large pair in any
  // column, and whether it and the two behind are more than two pairs can hold; whether a quad that
  // begins there is not alone, and not sharing.
  std::vector<uint64_t> large_, tooMuch_, notAlone_, notSharing_;
  std::vector<Stage> stages_;
};

}  // namespace octavo
