// Pages that buffers share: most packed weights are smaller than a huge one, and those of a model,
// which come and go together, fill many.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

class Slab {
 public:
  struct Piece {
    uint8_t* data;  // zeroed and aligned to kTensorAlignment; null where the system has no memory
    Slab* slab;     // which it has to be given back to
  };
  // Thread-safe, as giveBack().
  static Piece take(size_t bytes);
  // The slab goes with the last of its pieces.
  void giveBack();

 private:
  Slab(uint8_t* data, size_t bytes) : data_(data), bytes_(bytes), supplied_(data) {}

  // Has the pages of all that was taken.
  void supply();

  uint8_t* const data_;
  const size_t bytes_;
  size_t used_ = 0;    // bytes; what was given back is not used again
  uint8_t* supplied_;  // behind the pages that have been taken
  size_t pieces_ = 0;  // not given back yet
};

}  // namespace octavo
