// The rows of a float32 convolution: which taps of a window each output has, and where they lie.
//
// Outputs of a strip whose windows lie inside of the input alike are a rectangle: rows that sum up
// the same taps, those inside, so that padding is neither read nor multiplied. A tap is a cell of
// the window or, where cells lie side by side, a whole row of it: at a border a part of that.
// Images so narrow that rectangles would be a row or two are copied with their padding instead.
#pragma once

#include <cstddef>
#include <vector>

#include "native/ops/parts.h"
#include "native/ops/window.h"

namespace octavo {

// From `begin` to in front of `end`.
struct Range {
  size_t begin, end;
  size_t size() const { return end - begin; }
};

// A part of a window: some of its runs, taps of each, and of each tap a depth in elements.
struct Taps {
  Range runs, taps, depth;

  size_t count() const { return runs.size() * taps.size() * depth.size(); }
  Taps within(const Taps& other) const;
};

// Rows with the same taps, in so many calls of so many rows that lie `yStride` apart in the result.
struct Rectangle {
  Taps inside;
  size_t lines, lineRows;  // of outputs
  size_t calls, rows, yStride;
  size_t y;  // where the results of the first row begin, in elements, and its output's place
  int64_t image, down, right;
};

class ConvRows {
 public:
  // Of the window: runs of taps, and the depth of a tap in one group.
  size_t runs = 1, runTaps = 1, depth = 0;
  size_t runStride = 0, tapStride = 0;
  size_t yLine = 0;  // from one line of results to the next

  ConvRows() = default;
  // `channels`: from one pixel of the result to the next.
  ConvRows(const Window& window, size_t groups, size_t channels);

  // What is cut into strips: lines of outputs, or the columns of the only one; and how many outputs
  // each has.
  size_t units() const;
  size_t unitRows() const;
  // Whether the ends of lines are rectangles of their own.
  bool hasEnds() const;
  bool copies() const { return copies_; }
  void cut(size_t strip);

  size_t strips() const { return firstOf_.size() - 1; }
  const Rectangle* begin(size_t strip) const { return rectangles_.data() + firstOf_[strip]; }
  const Rectangle* end(size_t strip) const { return rectangles_.data() + firstOf_[strip + 1]; }

  size_t calls(size_t strip) const;

  size_t scratchBytes() const { return pointerBytes() + copyFloats_ * sizeof(float); }
  // Where the first tap inside of each row lies, one rectangle after the other. The table, and what
  // had to be copied, are in `scratch`.
  const float* const* pointRows(const float* x, size_t strip, uint8_t* scratch) const;

 private:
  Window from_{};    // what images are copied by, if `copies_`
  Window window_{};  // of the images, or of their copies
  bool copies_ = false;
  size_t channels_ = 0;
  std::vector<Rectangle> rectangles_;
  std::vector<size_t> firstOf_;  // rectangle of each strip
  size_t mostRows_ = 0, copyFloats_ = 0;

  size_t pointerBytes() const { return roundUp(mostRows_ * sizeof(void*), kTensorAlignment); }
  void copyNarrow();
  void addRectangles(int64_t image, const Range& lines, const Range& columns);
  size_t copiedLines(const Rectangle& rectangle) const;
  void copyLines(const float* x, const Rectangle& rectangle, float* copy) const;
};

}  // namespace octavo
