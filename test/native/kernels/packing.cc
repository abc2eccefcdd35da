// quads: taps of all depths up to a few words of marks, with weights that are large together or
// just are not. Of steps drawn by chance, quads must be those of a scalar dealing, each once, and
// small alone or by twos.
#include <cstdlib>

#include "native/kernels/dot/dot.h"
#include "native/kernels/quads/quads.h"
#include "test/native/kernels/harness.h"
#include "test/native/kernels/quads.h"

namespace octavo {
namespace test {
namespace {

Guarded rowMemory("rows", 1 << 13), stepMemory("steps", 1 << 10);
Guarded twoWeights("weights of twos", 1 << 15), twoOrder("order of twos", 1 << 12);
Guarded oneWeights("weights of ones", 1 << 15), oneOrder("order of ones", 1 << 12);
Output marks("marks", 64);

int32_t drawWeight(size_t kind, Random& random) {
  const auto pick = [&](const std::vector<int32_t>& values) {
    return values[static_cast<size_t>(random.between(0, static_cast<int32_t>(values.size()) - 1))];
  };
  switch (kind) {
    case 0:
      return pick({-128, 127});
    case 1:
      return pick({-65, -64, -63, 63, 64, 65, 1});
    case 2:
      return random.between(0, 9) == 0 ? 127 : random.between(-9, 9);
    case 3:
      return random.between(-8, 8);
    default:
      return random.between(-128, 127);
  }
}

class Tap {
 public:
  Tap(size_t depth, size_t kind, Edge edge, Random& random) {
    const size_t padded = (depth + 63) / 64 * 64 + 3;
    const size_t stride = padded + static_cast<size_t>(random.between(0, 70));
    const size_t bytes = (kQuadColumns - 1) * stride + padded;
    auto* row = rowMemory.place<int8_t>(edge, bytes);
    rows = {row, stride, depth};
    for (size_t i = 0; i < kQuadColumns; ++i, row += stride) {
      for (size_t k = 0; k < padded; ++k) {
        row[k] = k < depth ? static_cast<int8_t>(drawWeight(kind, random)) : int8_t{0};
      }
    }
  }
  int32_t at(size_t column, size_t k) const {
    return k < rows.depth ? rows.first[column * rows.stride + k] : 0;
  }
  // Whether `count` bytes from k on are more in any column than so many pairs may be.
  bool isBeyond(size_t k, size_t count) const {
    for (size_t i = 0; i < kQuadColumns; ++i) {
      int32_t sum = 0;
      for (size_t j = 0; j < count; ++j) sum += at(i, k + j);
      if (std::abs(sum) > static_cast<int32_t>(count - 1) * kMostOfPair) return true;
    }
    return false;
  }

  QuadRows rows;
};

// Steps that leave no pair large.
std::vector<uint8_t> drawSteps(const Tap& tap, Random& random) {
  std::vector<uint8_t> steps;
  const size_t depth = tap.rows.depth;
  bool isWhole = true;  // the first pair, of which no quad before it has a part
  for (size_t k = 0;; k += steps.back()) {
    const bool isAlone = isWhole && tap.isBeyond(k, 2);
    std::vector<uint8_t> steady;
    if (!isAlone && !tap.isBeyond(k + 2, 2)) {
      if (k + 4 >= depth && (k + 2 >= depth || random.coin())) break;
      if (k + 4 < depth) steady.insert(steady.end(), 4, 4);
    }
    if (!isAlone && k + 3 < depth && !tap.isBeyond(k + 2, 3)) steady.push_back(3);
    if (!isAlone && k + 2 < depth) steady.push_back(2);
    if (k + 1 < depth) steady.push_back(1);
    steps.push_back(
        steady[static_cast<size_t>(random.between(0, static_cast<int32_t>(steady.size()) - 1))]);
    isWhole = steps.back() == 4 || steps.back() == 1;
  }
  steps.push_back(4);
  return steps;
}

// How much of a weight goes to the pair of the one before it.
int32_t shareOf(int32_t before, int32_t weight, int32_t behind) {
  const auto has = [&](int32_t other) { return (other < 0) == (weight < 0) ? std::abs(other) : 0; };
  const int32_t size = std::abs(weight), more = has(behind) - has(before) + size;
  const int32_t share = std::min(more < 0 ? 0 : more / 2, size);
  return weight < 0 ? -share : share;
}

std::vector<Quad> dealtQuads(const Tap& tap, const std::vector<uint8_t>& steps) {
  std::vector<Quad> quads;
  for (size_t k = 0, q = 0; q < steps.size(); k += steps[q++]) {
    Quad quad{k, std::vector<std::array<int32_t, 4>>(kQuadColumns)};
    for (size_t i = 0; i < kQuadColumns; ++i) {
      auto& weights = quad.weights[i];
      for (size_t j = 0; j < 4; ++j) weights[j] = tap.at(i, k + j);
      if (q == 0) continue;
      auto& before = quads.back().weights[i];
      switch (steps[q - 1]) {
        case 3:
          before[3] = shareOf(before[2], weights[0], weights[1]);
          weights[0] -= before[3];
          break;
        case 2:
          before[3] = weights[0] = 0;
          break;
        case 1:
          before[1] = before[2] = before[3] = 0;
          break;
      }
    }
    quads.push_back(quad);
  }
  return quads;
}

// The quads of a list, each of which is to be one of those that are expected.
std::vector<Quad> listed(const QuadList& list, size_t count, std::vector<Quad>* expected) {
  std::vector<Quad> quads;
  for (size_t q = 0; q < count; ++q) {
    const auto isThere = [&](const Quad& quad) {
      for (size_t i = 0; i < 4 * kQuadColumns; ++i) {
        if (quad.weights[i / 4][i % 4] != list.weights[q * kQuadBytes + i]) return false;
      }
      return quad.at == list.order[q];
    };
    const auto found = std::find_if(expected->begin(), expected->end(), isThere);
    if (found == expected->end()) fail("quad %zu at byte %u is not expected", q, list.order[q]);
    quads.push_back(*found);
    expected->erase(found);
  }
  return quads;
}

void checkMarks(const QuadKernel& kernel, const Tap& tap, Edge edge) {
  const size_t words = (tap.rows.depth + 63) / 64;
  auto* large = static_cast<uint64_t*>(marks.place(edge, words * sizeof(uint64_t), 8));
  for (size_t i = 0; i < words; ++i) {
    uint64_t bits = 0;
    for (size_t k = 0; k < 64; ++k) bits |= uint64_t{tap.isBeyond(64 * i + k, 2)} << k;
    marks.expect(i * sizeof bits, bits);
  }
  kernel.mark({tap.rows, large});
  marks.check();
}

void checkPairs(const QuadKernel& kernel, const Tap& tap, size_t kind, Edge edge, Random& random) {
  const std::vector<uint8_t> steps = drawSteps(tap, random);
  const size_t count = steps.size();
  const QuadList twos{twoWeights.place<int8_t>(edge, count * kQuadBytes),
                      twoOrder.place<uint32_t>(edge, count)};
  const QuadList ones{oneWeights.place<int8_t>(edge, count * kQuadBytes),
                      oneOrder.place<uint32_t>(edge, count)};
  const size_t inTwos = kernel.pair({tap.rows, stepMemory.copy(edge, steps), count, twos, ones});
  if (inTwos % 2 != 0 || inTwos > count) fail("%zu quads in twos", inTwos);
  std::vector<Quad> expected = dealtQuads(tap, steps);
  const std::vector<Quad> two = listed(twos, inTwos, &expected);
  for (size_t q = 0; q < inTwos; q += 2) {
    if (!areSmall(two[q], &two[q + 1])) fail("quads %zu and %zu are large", q, q + 1);
  }
  for (const Quad& quad : listed(ones, count - inTwos, &expected)) {
    if (!areSmall(quad, nullptr)) fail("the quad at byte %zu is large", quad.at);
  }
  if (kind == 3 && count - inTwos > 1) fail("%zu small quads are alone", count - inTwos);
}

void cases(const QuadKernel& kernel, bool pairs) {
  Random random(31);
  for (size_t depth = 1; depth <= 260; depth += everything || depth < 70 ? 1 : 7) {
    for (size_t kind = 0; kind < 5; ++kind) {
      const Edge edge = random.coin() ? Edge::kFront : Edge::kBack;
      note("depth %ld, weights of kind %ld, edge %ld",
           {static_cast<long>(depth), static_cast<long>(kind), static_cast<long>(edge)});
      const Tap tap(depth, kind, edge, random);
      pairs ? checkPairs(kernel, tap, kind, edge, random) : checkMarks(kernel, tap, edge);
    }
  }
}

void markCases(const QuadKernel& kernel) { cases(kernel, false); }
void pairCases(const QuadKernel& kernel) { cases(kernel, true); }

}  // namespace

void testQuads() {
#define OCTAVO_QUADS(name, isa)                                                       \
  const QuadKernel& name = *chooseQuads(Isa::isa);                                    \
  testKernel<QuadKernel, markCases>({"mark_" #name, Isa::isa, name.mark, name.pair}); \
  testKernel<QuadKernel, pairCases>({"pair_" #name, Isa::isa, name.mark, name.pair});
#include "native/kernels/quads/kernels.inc"
#undef OCTAVO_QUADS
}

}  // namespace test
}  // namespace octavo
