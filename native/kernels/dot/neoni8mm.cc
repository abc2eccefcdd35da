// USMMLA: the products of two rows of eight u8 with two columns of eight s8, which is what a panel
// in groups of eight holds. A tile's rows go in pairs; an accumulator holds two columns of both.
#include "native/kernels/dot/tile.h"
#include "native/kernels/simd/neon.h"

namespace octavo {
namespace {

// Half `half` of two vectors of 16 bytes.
template <int half>
OCTAVO_INLINE Neon::Int join(Neon::Int a, Neon::Int b) {
  const uint64x2_t x = vreinterpretq_u64_u8(a), y = vreinterpretq_u64_u8(b);
  return vreinterpretq_u8_u64(half == 0 ? vzip1q_u64(x, y) : vzip2q_u64(x, y));
}

template <int pairs, int NV>
OCTAVO_INLINE void addGroup(Neon::Int (*acc)[2 * NV], const Neon::Int* a, const int8_t*& w) {
#pragma GCC unroll 8
  for (int j = 0; j < 2 * NV; ++j, w += Neon::kBytes) {
    const int8x16_t right = vld1q_s8(w);
#pragma GCC unroll 4
    for (int p = 0; p < pairs; ++p) {
      NeonI8mm::dotPairs(acc[p][j], a[p], right);
    }
  }
}

struct PairTile {
  using Vector = Neon;

  template <int MR, int NV>
  static OCTAVO_INLINE const int8_t* run(const DotArgs& args, const Finish<Neon, NV>& finish,
                                         RowWalk& rows, const int8_t* ahead, size_t) {
    constexpr int kPairs = (MR + 1) / 2;
    Neon::Int acc[kPairs][2 * NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const Neon::Int bias = Neon::load(args.bias + j * Neon::kWords);
#pragma GCC unroll 4
      for (int p = 0; p < kPairs; ++p) {
        acc[p][2 * j] = join<0>(bias, bias);
        acc[p][2 * j + 1] = join<1>(bias, bias);
      }
    }

    const int8_t* w = args.weights;
    TapWalk<MR> tap(args, rows);
    for (; !tap.isOver(); tap.next(w)) {
      // Of an odd number of rows the last one is its own neighbour.
      const uint8_t* a[2 * kPairs];
#pragma GCC unroll 8
      for (int i = 0; i < 2 * kPairs; ++i) a[i] = tap.a[i < MR ? i : MR - 1] + tap.at;
      const size_t depth = (args.quads + 1) / 2 * 8;
      size_t k = 0;
      for (; k + 16 <= depth; k += 16) {
        Neon::Int low[kPairs], high[kPairs];
#pragma GCC unroll 4
        for (int p = 0; p < kPairs; ++p) {
          const Neon::Int upper = Neon::load(a[2 * p] + k), lower = Neon::load(a[2 * p + 1] + k);
          low[p] = join<0>(upper, lower);
          high[p] = join<1>(upper, lower);
        }
        addGroup<kPairs, NV>(acc, low, w);
        addGroup<kPairs, NV>(acc, high, w);
      }
      if (k < depth) {
        Neon::Int last[kPairs];
#pragma GCC unroll 4
        for (int p = 0; p < kPairs; ++p) {
          last[p] = vcombine_u8(vld1_u8(a[2 * p] + k), vld1_u8(a[2 * p + 1] + k));
        }
        addGroup<kPairs, NV>(acc, last, w);
      }
    }

    Neon::Int sums[MR][NV];
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) {
        const Neon::Int left = acc[i / 2][2 * j], right = acc[i / 2][2 * j + 1];
        sums[i][j] = i % 2 == 0 ? join<0>(left, right) : join<1>(left, right);
      }
    }
    finishTile<Neon, MR, NV>(args, finish, tap.row, rows, sums);
    return ahead;
  }
};

}  // namespace

void dot_u8s8i32_8x8c8_neoni8mm(const DotArgs& args) { dotTiles<PairTile, 8, 2>(args); }
void dot_u8s8i32_6x16c8_neoni8mm(const DotArgs& args) { dotTiles<PairTile, 6, 4>(args); }

}  // namespace octavo
