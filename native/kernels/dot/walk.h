// Ways through the rows of a call and through the taps of each, in lines or by pointers.
#pragma once

#include <stddef.h>

#include "native/kernels/dot/dot.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// Goes through places in lines.
template <typename Byte>
class LineWalk {
 public:
  LineWalk(Byte* first, size_t stride, size_t lineRows, size_t lineStride)
      : at_(first),
        stride_(stride),
        left_(lineRows),
        lineRows_(lineRows),
        step_(static_cast<ptrdiff_t>(lineStride) - static_cast<ptrdiff_t>(lineRows * stride)) {}

  template <int count>
  OCTAVO_INLINE void take(Byte** places) {
    if (left_ > count) {
#pragma GCC unroll 16
      for (int i = 0; i < count; ++i) places[i] = at_ + i * stride_;
      at_ += count * stride_;
      left_ -= count;
      return;
    }
#pragma GCC unroll 16
    for (int i = 0; i < count; ++i) {
      places[i] = at_;
      at_ += stride_;
      if (--left_ == 0) {
        left_ = lineRows_;
        at_ += step_;
      }
    }
  }

 private:
  Byte* at_;
  size_t stride_, left_, lineRows_;
  ptrdiff_t step_;  // from behind a line to the next
};

// Goes through the rows of a call: where they are read, in a grid, and stored.
class RowWalk {
 public:
  RowWalk(const DotArgs& args, size_t row)
      : row_(row),
        a_(args.grid == nullptr ? nullptr : args.grid->first,
           args.grid == nullptr ? 0 : args.grid->rowStride, lineRowsOf(args),
           args.grid == nullptr ? 0 : args.grid->lineStride),
        y_(static_cast<uint8_t*>(args.y) + row * args.yStride, args.yStride, lineRowsOf(args),
           args.grid == nullptr ? 0 : args.grid->yLineStride) {}

  size_t row() const { return row_; }
  template <int MR>
  OCTAVO_INLINE void takeRows(const uint8_t** a) {
    row_ += MR;
    a_.template take<MR>(a);
  }
  template <int MR>
  OCTAVO_INLINE void takeResults(uint8_t** y) {
    y_.template take<MR>(y);
  }

 private:
  static size_t lineRowsOf(const DotArgs& args) {
    return args.grid == nullptr ? args.rows + 1 : args.grid->lineRows;
  }

  size_t row_;
  LineWalk<const uint8_t> a_;
  LineWalk<uint8_t> y_;
};

// Goes through the taps of the next MR rows. (No function that takes the loop's body: compilers
// would keep the accumulators that it captures in memory.)
template <int MR>
class TapWalk {
 public:
  OCTAVO_INLINE TapWalk(const DotArgs& args, RowWalk& rows)
      : row(rows.row()), args_(args), grid_(args.grid) {
    rows.takeRows<MR>(a);
  }

  size_t row;            // the first one
  const uint8_t* a[MR];  // row i begins at a[i] + at
  size_t at = 0;
  size_t number = 0;  // of the tap, counting those that are skipped

  OCTAVO_INLINE bool isOver() {
    if (tap_ == args_.taps) return true;
    if (grid_ == nullptr) {
      const uint8_t* const* from = args_.a + tap_ * args_.rows + row;
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) a[i] = from[i] + args_.offset;
    }
    return false;
  }
  // To the next tap; w, which is behind the weights of this one, to those of the next.
  OCTAVO_INLINE void next(const int8_t*& w) {
    ++tap_;
    ++number;
    if (grid_ == nullptr) return;
    at += grid_->tapStride;
    if (++run_ == grid_->runTaps) {
      run_ = 0;
      at += grid_->runStride - grid_->runTaps * grid_->tapStride;
      w += grid_->weightSkip;
      number += grid_->tapSkip;
    }
  }

 private:
  const DotArgs& args_;
  const RowGrid* grid_;
  size_t tap_ = 0, run_ = 0;
};

}  // namespace
}  // namespace octavo
