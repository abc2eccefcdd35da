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
  static constexpr size_t kColumns = 8;  // of a panel, of all kernels of the form

  // `weights`: how many there will be, but for overlaps.
  explicit SmallQuads(size_t weights) {
    weights_.reserve(weights / 6);
    order_.reserve(weights / 3 / kColumns);
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
  void mark(const std::vector<const int8_t*>& columns, size_t first, size_t depth);
  void markLanes(const int8_t* weights, size_t count);
  void cover(size_t depth);
  void take(const std::vector<const int8_t*>& columns, size_t first, size_t depth);
  void deal(size_t quad);
  void sortBySize();
  uint32_t takePartner(uint32_t place);
  void put(size_t quad, std::vector<uint64_t>* weights, std::vector<uint32_t>* order) const;

  static constexpr size_t kWords = kColumns / 2;  // of a quad: of eight bytes, two columns

  std::vector<uint64_t> weights_;
  std::vector<uint32_t> order_;

  // Of each byte of a tap: whether it and the one behind are a large pair in any column, and
  // whether they and a third one are too much for two pairs.
  static constexpr uint8_t kLarge = 1, kTooMuch = 2;
  std::vector<uint8_t> marks_;
  std::vector<uint64_t> large_, tooMuch_;  // the same as lanes, of bytes that are even or odd
  std::vector<uint32_t> best_;
  // The quads of a tap, their weights, and what the positive and the negative weights of each pair
  // come to, a byte each.
  std::vector<Quad> quads_;
  std::vector<uint64_t> taken_, pairs_;
  // Their classes by size, their numbers by class, and the list of those that are not put yet: the
  // place behind each place, both counted from 1 on; 0 is in front of the first and behind the
  // last.
  std::vector<uint8_t> classes_;
  std::vector<uint32_t> bySize_, next_;
  // Of a panel: the quads that come one by one.
  std::vector<uint64_t> singles_;
  std::vector<uint32_t> singleAt_;
};

}  // namespace octavo
