// Weights for kernels that multiply small quads alone, kSmall in kernels/dot/dot.h. It takes two
// rounds through all panels: how many quads there will be is known before they are laid out where
// they stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/kernels/dot/dot.h"
#include "native/pack/quadcover.h"

namespace octavo {

class SmallQuads {
 public:
  // The weights of a panel's columns by position, null where there is none.
  using Columns = std::vector<const int8_t*>;

  explicit SmallQuads(const QuadKernel& kernel) : kernel_(kernel), cover_(kernel) {}

  // First: covers a panel of so many taps of `depth` bytes with quads.
  void cover(const Columns& columns, size_t taps, size_t depth);
  // Of all panels.
  size_t count() const { return steps_.size(); }
  // Then: lays out the same panels in the same order, the first one from `to` on, and sets
  // spans[taps + 1] of each.
  void startAt(QuadList to) { to_ = to; }
  void put(const Columns& columns, size_t taps, size_t depth, QuadSpan* spans);

 private:
  QuadRows rowsOf(const Columns& columns, size_t first, size_t depth);
  QuadList listFrom(size_t quad) const;

  const QuadKernel& kernel_;
  QuadCover cover_;
  std::vector<int8_t> rows_;
  std::vector<uint8_t> steps_;  // of all quads
  QuadList to_{};
  size_t taken_ = 0;  // of the steps
  uint32_t put_ = 0;  // quads
  // Of a panel: the quads that come one by one.
  std::vector<int8_t> ones_;
  std::vector<uint32_t> oneOrder_;
};

}  // namespace octavo
