// Weights in small quads, as kernels/dot/dot.h has them of kSmall, laid out by chance.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "native/kernels/dot/dot.h"
#include "test/native/kernels/harness.h"

namespace octavo {
namespace test {

// A quad of a panel of kSmall: where it begins in a tap, and its weights by column.
struct Quad {
  size_t at;
  std::vector<std::array<int32_t, 4>> weights;
};

// Whether no pair is large in any column, of one quad or of two together.
inline bool areSmall(const Quad& a, const Quad* b) {
  for (size_t column = 0; column < a.weights.size(); ++column) {
    for (size_t pair : {0, 2}) {
      int32_t up = 0, down = 0;
      for (const Quad* quad : {&a, b}) {
        for (size_t i = pair; quad != nullptr && i < pair + 2; ++i) {
          const int32_t weight = quad->weights[column][i];
          (weight > 0 ? up : down) += weight;
        }
      }
      if (up > kMostOfPair || down < -kMostOfPair) return false;
    }
  }
  return true;
}

// Lays out a tap of some columns by chance: quads overlap, and leave some of a weight to the next
// one.
inline std::vector<Quad> drawQuads(const std::vector<const int8_t*>& columns, size_t depth,
                                   Random& random) {
  std::vector<Quad> quads;
  std::vector<std::vector<int32_t>> left;
  for (const int8_t* column : columns) left.emplace_back(column, column + depth);
  for (size_t k = 0; k < depth;) {
    const auto skipped = static_cast<size_t>(
        random.between(0, static_cast<int32_t>(std::min<size_t>(k, random.coin() ? 0 : 3))));
    size_t count = std::min(4 - skipped, depth - k);
    const bool part = random.between(0, 3) == 0;
    for (;; --count) {
      Quad quad{k - skipped, std::vector<std::array<int32_t, 4>>(columns.size())};
      for (size_t i = 0; i < columns.size(); ++i) {
        for (size_t j = 0; j < count; ++j) {
          const int32_t weight = left[i][k + j];
          const bool halved = part && j + 1 == count;
          quad.weights[i][skipped + j] = halved ? weight / 2 : weight;
        }
      }
      if (count > 1 && !areSmall(quad, nullptr)) continue;
      for (size_t i = 0; i < columns.size(); ++i) {
        for (size_t j = 0; j < count; ++j) left[i][k + j] -= quad.weights[i][skipped + j];
      }
      k += part ? count - 1 : count;
      quads.push_back(quad);
      break;
    }
  }
  return quads;
}

}  // namespace test
}  // namespace octavo
