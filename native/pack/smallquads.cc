#include "native/pack/smallquads.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "native/pack/lanes.h"

namespace octavo {
namespace {

constexpr uint32_t kGone = UINT32_MAX;

constexpr uint64_t bytes(uint64_t number) { return number * 0x0101010101010101; }

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
  markLarge(columns, first, depth);
  cover(depth);
  take(columns, first, depth);
  sortBySize();
  for (size_t i = 0; i < bySize_.size(); ++i) {
    const uint32_t quad = bySize_[i];
    if (quad == kGone) continue;
    const size_t partner = partnerOf(i);
    if (partner == i) {
      put(quad, &singles_, &singleAt_);
    } else {
      put(quad, &weights_, &order_);
      put(bySize_[partner], &weights_, &order_);
      bySize_[partner] = kGone;
    }
  }
}

void SmallQuads::markLarge(const std::vector<const int8_t*>& columns, size_t first, size_t depth) {
  for (size_t odd : {0, 1}) {
    std::vector<uint64_t>&large = large_[odd], &tooMuch = tooMuch_[odd];
    large.assign(depth / 8 + 2, 0);
    tooMuch.assign(depth / 8 + 2, 0);
    for (const int8_t* column : columns) {
      if (column == nullptr) continue;
      const int8_t* weights = column + first;
      for (size_t k = odd; k < depth; k += 8) {
        const uint64_t word = wordAt(weights + k, depth - k);
        const uint64_t behind = k + 2 < depth ? wordAt(weights + k + 2, depth - k - 2) : 0;
        large[k / 8] |= largePairs(word);
        tooMuch[k / 8] |= tooMuchOfThree(word, behind);
      }
    }
  }
}

// Goes from the end to the front.
void SmallQuads::cover(size_t depth) {
  quadsBehind_.assign(depth + 8, 0);
  overlap_.assign(depth + 8, 0);
  for (size_t pair = depth; pair-- > 0;) {
    // The two bytes are dealt out to the next quad's first pair, which has them too.
    uint32_t least = 1 + quadsBehind_[pair + 2];
    uint8_t overlap = 2;
    const auto consider = [&](uint32_t quads, uint8_t bytes) {
      if (quads < least) least = quads, overlap = bytes;
    };
    if (!isTooMuch(pair)) consider(1 + quadsBehind_[pair + 3], 1);
    if (!isLarge(pair)) {
      if (pair + 2 >= depth) {
        consider(0, 0);
      } else if (!isLarge(pair + 2)) {
        consider(1 + quadsBehind_[pair + 4], 0);
      }
    }
    quadsBehind_[pair] = least;
    overlap_[pair] = overlap;
  }
  quads_.clear();
  size_t at = 0;
  // No quad before it takes a share of a first pair that is large: one byte is on its own.
  for (; at < depth && isLarge(at); ++at) quads_.push_back({at, 3});
  for (; at < depth; at += 4 - quads_.back().overlap) {
    quads_.push_back({at, at + 2 < depth ? size_t{overlap_[at + 2]} : 0});
  }
}
void SmallQuads::take(const std::vector<const int8_t*>& columns, size_t first, size_t depth) {
  taken_.assign(quads_.size() * words_, 0);
  uint64_t* to = taken_.data();
  const auto takeBytes = [&](const int8_t* column, size_t at, uint8_t* bytes) {
    if (at + 4 <= depth) {
      std::memcpy(bytes, column + at, 4);
    } else {
      std::memcpy(bytes, column + at, depth - at);
    }
  };
  for (const Quad& quad : quads_) {
    auto* bytes = reinterpret_cast<uint8_t*>(to);
    for (const int8_t* column : columns) {
      if (column != nullptr) takeBytes(column + first, quad.at, bytes);
      bytes += 4;
    }
    to += words_;
  }
  for (size_t quad = 0; quad < quads_.size(); ++quad) {
    if (quads_[quad].overlap > 0) deal(quad);
  }
  pairs_.clear();
  for (const uint64_t weights : taken_) pairs_.push_back(sumsOfPairs(weights));
}

// Deals out the weights that a quad has in common with the next one.
void SmallQuads::deal(size_t quad) {
  auto* own = reinterpret_cast<int8_t*>(&taken_[quad * words_]);
  auto* next = reinterpret_cast<int8_t*>(&taken_[(quad + 1) * words_]);
  const size_t overlap = quads_[quad].overlap;
  for (size_t i = 0; i < 8 * words_; i += 4) {
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

void SmallQuads::sortBySize() {
  std::vector<uint64_t> sizes(quads_.size());
  for (size_t quad = 0; quad < sizes.size(); ++quad) {
    uint64_t sums = 0;
    for (size_t i = 0; i < words_; ++i) sums += pairSums(pairs_[quad * words_ + i]);
    sizes[quad] = (sums * lanes(1) >> 48) << 32 | quad;
  }
  std::sort(sizes.begin(), sizes.end(), [](uint64_t a, uint64_t b) { return a > b; });
  bySize_.assign(sizes.begin(), sizes.end());
}

// The place of the largest quad behind the one at i that it is small together with, or i.
size_t SmallQuads::partnerOf(size_t i) const {
  constexpr size_t kMostTries = 32;
  size_t tries = 0;
  for (size_t other = i + 1; other < bySize_.size() && tries < kMostTries; ++other) {
    if (bySize_[other] == kGone) continue;
    if (fit(bySize_[i], bySize_[other])) return other;
    ++tries;
  }
  return i;
}

// Whether two quads are small together. One that comes to 128 itself is left alone.
bool SmallQuads::fit(size_t a, size_t b) const {
  uint64_t sums = 0;
  for (size_t i = 0; i < words_; ++i) {
    const uint64_t one = pairs_[a * words_ + i], other = pairs_[b * words_ + i];
    sums |= one | other | (one + other);
  }
  return (sums & bytes(128)) == 0;
}

void SmallQuads::put(size_t quad, std::vector<uint64_t>* weights,
                     std::vector<uint32_t>* order) const {
  order->push_back(static_cast<uint32_t>(quads_[quad].at));
  const auto from = taken_.begin() + static_cast<ptrdiff_t>(quad * words_);
  weights->insert(weights->end(), from, from + static_cast<ptrdiff_t>(words_));
}

}  // namespace octavo
