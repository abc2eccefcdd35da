// Outputs whose windows lie inside of the input alike. What padding would add to them is the same,
// so one call can leave it out for all.
#pragma once

#include <algorithm>
#include <vector>

#include "native/ops/window.h"

namespace octavo {

// Neighbouring outputs along an axis whose windows have cells [firstCell, endCell) inside.
struct Span {
  int64_t begin, outputs, firstCell, endCell;

  int64_t end() const { return begin + outputs; }
};

// All outputs of an axis, in order.
inline std::vector<Span> spansOf(const WindowAxis& axis) {
  std::vector<Span> spans;
  for (int64_t o = 0; o < axis.output; ++o) {
    const int64_t first = axis.firstCell(o), end = axis.endCell(o);
    if (spans.empty() || spans.back().firstCell != first || spans.back().endCell != end) {
      spans.push_back({o, 0, first, end});
    }
    ++spans.back().outputs;
  }
  return spans;
}

// The part of a span that lies in outputs [begin, end): none of them if it is not there.
inline Span cutSpan(const Span& span, int64_t begin, int64_t end) {
  const int64_t first = std::max(span.begin, begin), last = std::min(span.end(), end);
  return {first, std::max<int64_t>(last - first, 0), span.firstCell, span.endCell};
}

}  // namespace octavo
