#include "native/pack/smallquads.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "native/pack/lanes.h"

namespace octavo {
namespace {

constexpr uint64_t bytes(uint64_t number) { return number * 0x0101010101010101; }

// Whether two quads are small together, each being what its pairs come to. One that comes to 128
// itself is left alone.
bool fit(const uint64_t* one, const uint64_t* other) {
  uint64_t sums = 0;
#pragma GCC unroll 4
  for (size_t i = 0; i < SmallQuads::kColumns / 2; ++i) {
    sums |= one[i] | other[i] | (one[i] + other[i]);
  }
  return (sums & bytes(128)) == 0;
}

// What the positive weights of each pair come to in the low byte of its lane, and the negative ones
// in the high byte. Of small pairs neither is beyond 128.
uint64_t sumsOfPairs(uint64_t weights) {
  const uint64_t signs = weights >> 7 & bytes(1), negative = signs * 0xff;
  return pairSums(weights & ~negative) | pairSums((~weights & negative) + signs) << 8;
}

// How much of a weight goes to the pair of the one before it, the rest being for the pair of the
// one behind: so much that both come to the same, if it can be.
int32_t shareOf(int32_t before, int32_t weight, int32_t behind) {
  const auto has = [&](int32_t other) { return (other < 0) == (weight < 0) ? std::abs(other) : 0; };
  const int32_t size = std::abs(weight);
  const int32_t share = std::clamp((has(behind) - has(before) + size) / 2, 0, size);
  return weight < 0 ? -share : share;
}

}  // namespace

void SmallQuads::add(const std::vector<const int8_t*>& columns, size_t taps, size_t depth,
                     QuadSpan* spans) {
  singles_.clear();
  singleAt_.clear();
  for (size_t tap = 0; tap <= taps; ++tap) {
    spans[tap] = {static_cast<uint32_t>(count()), static_cast<uint32_t>(singleAt_.size())};
    if (tap < taps) addTap(columns, tap * depth, depth);
  }
  for (size_t tap = 0; tap <= taps; ++tap) spans[tap].one += spans[taps].two;
  order_.insert(order_.end(), singleAt_.begin(), singleAt_.end());
  weights_.insert(weights_.end(), singles_.begin(), singles_.end());
}

void SmallQuads::addTap(const std::vector<const int8_t*>& columns, size_t first, size_t depth) {
  mark(columns, first, depth);
  cover(depth);
  take(columns, first, depth);
  sortBySize();
  // A list of those that are left, from the largest on.
  while (next_[0] != 0) {
    const uint32_t place = next_[0], partner = takePartner(place);
    next_[0] = next_[place];
    const uint32_t quad = bySize_[place - 1];
    if (partner == 0) {
      put(quad, &singles_, &singleAt_);
    } else {
      put(quad, &weights_, &order_);
      put(bySize_[partner - 1], &weights_, &order_);
    }
  }
}

void SmallQuads::mark(const std::vector<const int8_t*>& columns, size_t first, size_t depth) {
  marks_.assign(depth / 8 * 8 + 16, 0);
  for (size_t odd : {0, 1}) {
    large_.assign(depth / 8 + 1, 0);
    tooMuch_.assign(depth / 8 + 1, 0);
    for (const int8_t* column : columns) {
      if (column != nullptr) markLanes(column + first + odd, depth - std::min(depth, odd));
    }
    for (size_t word = 0; word < large_.size(); ++word) {
      for (size_t lane = 0; lane < 4; ++lane) {
        const uint64_t top = 16 * lane + 15;
        marks_[8 * word + 2 * lane + odd] = static_cast<uint8_t>(
            (large_[word] >> top & 1) * kLarge + (tooMuch_[word] >> top & 1) * kTooMuch);
      }
    }
  }
}

// Marks the lanes of a column's weights.
void SmallQuads::markLanes(const int8_t* weights, size_t count) {
  // Nothing else is written: compilers then take several words at once.
  uint64_t* __restrict large = large_.data();
  uint64_t* __restrict tooMuch = tooMuch_.data();
  const size_t whole = count < 10 ? 0 : (count - 10) / 8 + 1;
  for (size_t i = 0; i < whole; ++i) {
    const uint64_t word = wordAt(weights + 8 * i, 8);
    large[i] |= largePairs(word);
    tooMuch[i] |= tooMuchOfThree(word, wordAt(weights + 8 * i + 2, 8));
  }
  for (size_t i = whole; 8 * i < count; ++i) {
    const size_t k = 8 * i;
    const uint64_t word = wordAt(weights + k, count - k);
    large[i] |= largePairs(word);
    tooMuch[i] |= tooMuchOfThree(word, k + 2 < count ? wordAt(weights + k + 2, count - k - 2) : 0);
  }
}

// Goes from the end to the front. Of each byte: how many quads follow one whose second pair begins
// there, times four, and how far the first of them overlaps it. The least number is best.
void SmallQuads::cover(size_t depth) {
  constexpr uint32_t kQuad = 4, kOverlap = 3;
  best_.assign(depth + 4, 0);
  const uint8_t* marks = marks_.data();
  for (size_t pair = depth; pair-- > 0;) {
    const auto behind = [&](size_t bytes) { return (best_[pair + bytes] & ~kOverlap) + kQuad; };
    const auto unless = [](int mark) { return -static_cast<uint32_t>(mark != 0); };
    // The two bytes are dealt out to the next quad's first pair, which has them too.
    const uint32_t both = behind(2) + 2;
    const uint32_t one = (behind(3) + 1) | unless(marks[pair] & kTooMuch);
    const bool ends = pair + 2 >= depth;
    const uint32_t none = (ends ? 0 : behind(4)) | unless((marks[pair] | marks[pair + 2]) & kLarge);
    best_[pair] = std::min({both, one, none});
  }
  quads_.clear();
  size_t at = 0;
  // No quad before it takes a share of a first pair that is large: one byte is on its own.
  for (; at < depth && (marks[at] & kLarge) != 0; ++at) quads_.push_back({at, 3});
  for (; at < depth; at += 4 - quads_.back().overlap) {
    quads_.push_back({at, at + 2 < depth ? size_t{best_[at + 2] & kOverlap} : 0});
  }
}

void SmallQuads::take(const std::vector<const int8_t*>& columns, size_t first, size_t depth) {
  taken_.assign(quads_.size() * kWords, 0);
  uint64_t* to = taken_.data();
  for (const Quad& quad : quads_) {
    auto* bytes = reinterpret_cast<uint8_t*>(to);
    const size_t count = std::min<size_t>(4, depth - quad.at);
    for (const int8_t* column : columns) {
      if (column != nullptr) {
        const int8_t* from = column + first + quad.at;
        count == 4 ? std::memcpy(bytes, from, 4) : std::memcpy(bytes, from, count);
      }
      bytes += 4;
    }
    to += kWords;
  }
  for (size_t quad = 0; quad < quads_.size(); ++quad) {
    if (quads_[quad].overlap > 0) deal(quad);
  }
  pairs_.resize(taken_.size());
  std::transform(taken_.begin(), taken_.end(), pairs_.begin(), sumsOfPairs);
}

// Deals out the weights that a quad has in common with the next one.
void SmallQuads::deal(size_t quad) {
  auto* own = reinterpret_cast<int8_t*>(&taken_[quad * kWords]);
  auto* next = reinterpret_cast<int8_t*>(&taken_[(quad + 1) * kWords]);
  const size_t overlap = quads_[quad].overlap;
  for (size_t i = 0; i < 8 * kWords; i += 4) {
    if (overlap == 1) {
      const int32_t share = shareOf(own[i + 2], own[i + 3], next[i + 1]);
      next[i] = static_cast<int8_t>(own[i + 3] - share);
      own[i + 3] = static_cast<int8_t>(share);
    } else {
      own[i + 3] = 0;
      if (overlap == 2) next[i] = 0;
      if (overlap == 3) own[i + 1] = own[i + 2] = 0;
    }
  }
}

// Those with the most to multiply first, as near as so many classes tell.
void SmallQuads::sortBySize() {
  constexpr size_t kClasses = 128, kMostSize = 2 * kColumns * 2 * 128;
  const size_t count = quads_.size();
  uint32_t ends[kClasses] = {};
  classes_.clear();
  for (size_t quad = 0; quad < count; ++quad) {
    uint64_t sums = 0;
    for (size_t i = 0; i < kWords; ++i) sums += pairSums(pairs_[quad * kWords + i]);
    const size_t size = sums * lanes(1) >> 48;
    classes_.push_back(static_cast<uint8_t>((kMostSize - size) * (kClasses - 1) / kMostSize));
    ++ends[classes_.back()];
  }
  for (size_t i = 1; i < kClasses; ++i) ends[i] += ends[i - 1];
  bySize_.resize(count);
  for (size_t quad = count; quad-- > 0;) {
    bySize_[--ends[classes_[quad]]] = static_cast<uint32_t>(quad);
  }
  next_.resize(count + 1);
  for (size_t place = 0; place <= count; ++place) next_[place] = static_cast<uint32_t>(place + 1);
  next_[count] = 0;
}

// Takes the largest quad behind the one at `place` that it is small together with out of the list,
// and returns its place; 0 where there is none.
uint32_t SmallQuads::takePartner(uint32_t place) {
  constexpr int kMostTries = 32;
  const uint64_t* own = &pairs_[bySize_[place - 1] * kWords];
  uint32_t before = place;
  for (int tries = 0; tries < kMostTries && next_[before] != 0; ++tries) {
    const uint32_t other = next_[before];
    if (fit(own, &pairs_[bySize_[other - 1] * kWords])) {
      next_[before] = next_[other];
      return other;
    }
    before = other;
  }
  return 0;
}

void SmallQuads::put(size_t quad, std::vector<uint64_t>* weights,
                     std::vector<uint32_t>* order) const {
  order->push_back(static_cast<uint32_t>(quads_[quad].at));
  const auto from = taken_.begin() + static_cast<ptrdiff_t>(quad * kWords);
  weights->insert(weights->end(), from, from + static_cast<ptrdiff_t>(kWords));
}

}  // namespace octavo
