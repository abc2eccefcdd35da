#include "native/ops/rowpointers.h"

#include <cstring>

namespace octavo {
namespace {

constexpr int64_t kLongestRow = 64;

}  // namespace

// Neighbouring outputs of one output row: [begin, end) of the W axis.
struct RowPointers::Segment {
  const uint8_t* image;
  const uint8_t* padding;
  int64_t oh, begin, end;
  size_t at;     // place of the first one in the table
  size_t count;  // places of one tap
};

TapForm RowPointers::chooseForm(const Window& window, int64_t groups) {
  const bool row = groups == 1 && window.w.kernel > 1 && window.w.dilation == 1 &&
                   window.w.kernel * window.channels <= kLongestRow;
  return row ? TapForm::kRow : TapForm::kCell;
}

size_t RowPointers::taps() const {
  return static_cast<size_t>(form == TapForm::kRow ? window.h.kernel : window.cells());
}

size_t RowPointers::depth() const {
  return static_cast<size_t>(window.channels * (form == TapForm::kRow ? window.w.kernel : 1));
}

size_t RowPointers::borderBytes(size_t pixels) const {
  return form == TapForm::kRow ? pixels * taps() * borderStride() : 0;
}

void RowPointers::fill(const uint8_t* x, const uint8_t* padding, size_t first, size_t count,
                       const uint8_t** table, uint8_t* border) const {
  const int64_t imageBytes = window.h.input * window.w.input * window.channels;
  const int64_t width = window.w.output, rows = window.h.output;
  size_t done = 0;
  while (done < count) {
    const auto pixel = static_cast<int64_t>(first + done);
    const int64_t row = pixel / width, begin = pixel % width;
    const auto left = static_cast<int64_t>(count - done);
    const int64_t end = std::min(width, begin + left);
    const Segment segment{
        x + row / rows * imageBytes, padding, row % rows, begin, end, done, count};
    if (form == TapForm::kRow) {
      fillRows(segment, table, &border);
    } else {
      fillCells(segment, table);
    }
    done += static_cast<size_t>(end - begin);
  }
}

void RowPointers::fillCells(const Segment& s, const uint8_t** table) const {
  const WindowAxis &h = window.h, &w = window.w;
  const int64_t step = w.stride * window.channels;
  for (int64_t kh = 0; kh < h.kernel; ++kh) {
    const int64_t ih = h.origin(s.oh) + kh * h.dilation;
    for (int64_t kw = 0; kw < w.kernel; ++kw) {
      const uint8_t** out = table + static_cast<size_t>(kh * w.kernel + kw) * s.count + s.at;
      int64_t o = s.begin;
      if (h.contains(ih)) {
        const int64_t inside = std::min(w.firstOutput(kw), s.end);
        const int64_t outside = std::min(w.endOutput(kw), s.end);
        for (; o < inside; ++o) *out++ = s.padding;
        const int64_t iw = w.origin(o) + kw * w.dilation;
        const uint8_t* in = s.image + (ih * w.input + iw) * window.channels;
        for (; o < outside; ++o, in += step) *out++ = in;
      }
      for (; o < s.end; ++o) *out++ = s.padding;
    }
  }
}

void RowPointers::fillRows(const Segment& s, const uint8_t** table, uint8_t** border) const {
  const WindowAxis &h = window.h, &w = window.w;
  const int64_t channels = window.channels, step = w.stride * channels;
  // Outputs whose window lies inside from its first to its last cell.
  const int64_t inside = std::clamp(w.firstOutput(0), s.begin, s.end);
  const int64_t outside = std::clamp(w.endOutput(w.kernel - 1), inside, s.end);
  for (int64_t kh = 0; kh < h.kernel; ++kh) {
    const int64_t ih = h.origin(s.oh) + kh * h.dilation;
    const uint8_t** out = table + static_cast<size_t>(kh) * s.count + s.at;
    if (!h.contains(ih)) {
      std::fill_n(out, s.end - s.begin, s.padding);
      continue;
    }
    const uint8_t* row = s.image + ih * w.input * channels;
    for (int64_t o = s.begin; o < inside; ++o) *out++ = borderRow(s, row, o, border);
    const uint8_t* in = row + w.origin(inside) * channels;
    for (int64_t o = inside; o < outside; ++o, in += step) *out++ = in;
    for (int64_t o = outside; o < s.end; ++o) *out++ = borderRow(s, row, o, border);
  }
}

const uint8_t* RowPointers::borderRow(const Segment& s, const uint8_t* row, int64_t o,
                                      uint8_t** border) const {
  const int64_t first = window.w.firstCell(o), end = window.w.endCell(o);
  uint8_t* copy = *border;
  *border += borderStride();
  std::memcpy(copy, s.padding, depth());
  std::memcpy(copy + first * window.channels, row + (window.w.origin(o) + first) * window.channels,
              static_cast<size_t>((end - first) * window.channels));
  return copy;
}

}  // namespace octavo
