// Weights for kernels that multiply small quads alone, kSmall in kernels/dot/dot.h. A tap is
// covered by quads, as few as can be: one may overlap the next one by up to two bytes, whose
// weights are dealt out to both, for each column so that no pair is large. Then quads that are
// small together are brought together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/kernels/dot/dot.h"

namespace octavo {

class SmallQuads {
 public:
  // `width`: columns of a panel, an even number. `weights`: how many there will be, but for
  // overlaps.
  SmallQuads(size_t width, size_t weights) : words_(width / 2) {
    weights_.reserve(weights / 6);
    if (width > 0) order_.reserve(weights / 3 / width);
  }

  // Adds a panel of so many taps of `depth` bytes, and sets spans[taps + 1]. `columns`: the weights
  // of each, by position, null where there is none.
  void add(const std::vector<const int8_t*>& columns, size_t taps, size_t depth, QuadSpan* spans);

  // Of all quads, in the order of their numbers.
  size_t count() const { return order_.size(); }
  const std::vector<uint64_t>& weights() const { return weights_; }
  const std::vector<uint32_t>& order() const { return order_; }

 private:
  // At byte `at` of a tap; the next one begins `overlap` bytes before this one ends.
  struct Quad {
    size_t at, overlap;
  };

  void addTap(const std::vector<const int8_t*>& columns, size_t first, size_t depth);
  void markLarge(const std::vector<const int8_t*>& columns, size_t first, size_t depth);
  // Whether bytes k and k + 1 are a large pair in any column; whether k to k + 2 are more than two.
  bool isLarge(size_t k) const { return isMarked(large_, k); }
  bool isTooMuch(size_t k) const { return isMarked(tooMuch_, k); }
  static bool isMarked(const std::vector<uint64_t> (&marks)[2], size_t k) {
    return (marks[k % 2][k / 8] >> (k % 8 / 2 * 16 + 15) & 1) != 0;
  }
  void cover(size_t depth);
  void take(const std::vector<const int8_t*>& columns, size_t first, size_t depth);
  void deal(size_t quad);
  void sortBySize();
  size_t partnerOf(size_t i) const;
  bool fit(size_t a, size_t b) const;
  void put(size_t quad, std::vector<uint64_t>* weights, std::vector<uint32_t>* order) const;

  const size_t words_;  // of a quad: of eight bytes, two columns
  std::vector<uint64_t> weights_;
  std::vector<uint32_t> order_;

  // Of a tap: the top bit of the lane of each large pair, of pairs that begin at even bytes and of
  // those at odd ones; likewise of three bytes.
  std::vector<uint64_t> large_[2], tooMuch_[2];
  // Of each byte of a tap: how many quads follow one whose second pair begins there, and how far
  // the first of them overlaps it.
  std::vector<uint32_t> quadsBehind_;
  std::vector<uint8_t> overlap_;
  // The quads of a tap, their weights, and what the positive and the negative weights of each pair
  // come to, a byte each.
  std::vector<Quad> quads_;
  std::vector<uint64_t> taken_, pairs_;
  // Their numbers, those with the most to multiply first. kGone: put already.
  std::vector<uint32_t> bySize_;
  // Of a panel: the quads that come one by one.
  std::vector<uint64_t> singles_;
  std::vector<uint32_t> singleAt_;
};

}  // namespace octavo
