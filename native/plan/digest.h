// Digests of bytes, by which models are known again.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

// Of bytes that are added piece by piece. The keys are drawn at random once per process and never
// leave it: whatever two contents are, and whoever made them, the chance that they have one digest
// is below 2^-60.
class Digest {
 public:
  // Adds a number, or a piece of memory with its length.
  void add(uint64_t value);
  void add(const uint8_t* data, size_t bytes);

  uint64_t low() const { return state_[0]; }
  bool operator==(const Digest& other) const {
    return state_[0] == other.state_[0] && state_[1] == other.state_[1];
  }

 private:
  uint64_t state_[2] = {1, 1};
};

}  // namespace octavo
