// SDOT on a - 128. The quad of a row that it multiplies with is one of four in a register: a row is
// read 16 bytes at a time where it is that long, and shifted by one instruction for all four quads.
#include "native/kernels/dot/tile.h"
#include "native/kernels/simd/neon.h"

namespace octavo {
namespace {

// acc[i][j] += row i's quad `lane` times the panel's next quad, for all rows.
template <int lane, int MR, int NV>
OCTAVO_INLINE void addQuad(Neon::Int (*acc)[NV], const int8x16_t* a, const int8_t*& w) {
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j, w += Neon::kBytes) {
    const int8x16_t right = vld1q_s8(w);
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) {
      acc[i][j] = Neon::from32(vdotq_laneq_s32(Neon::s32(acc[i][j]), right, a[i], lane));
    }
  }
}

OCTAVO_INLINE int8x8_t oneQuad(const uint8_t* a) {
  uint32_t word;
  memcpy(&word, a, sizeof word);
  return vreinterpret_s8_u8(veor_u8(vcreate_u8(word), vdup_n_u8(128)));
}

struct LaneTile {
  using Vector = Neon;

  template <int MR, int NV>
  static OCTAVO_INLINE const int8_t* run(const DotArgs& args, const Finish<Neon, NV>& finish,
                                         RowWalk& rows, const int8_t* ahead, size_t) {
    Neon::Int acc[MR][NV];
    startTile<Neon, MR, NV>(args, acc);
    const Neon::Int sign = Neon::set8(128);
    const int8_t* w = args.weights;
    TapWalk<MR> tap(args, rows);
    for (; !tap.isOver(); tap.next(w)) {
      size_t quad = 0;
      for (; quad + 4 <= args.quads; quad += 4) {
        int8x16_t left[MR];
#pragma GCC unroll 8
        for (int i = 0; i < MR; ++i) {
          left[i] = Neon::s8(Neon::exclusiveOr(Neon::load(tap.a[i] + tap.at + 4 * quad), sign));
        }
        addQuad<0, MR, NV>(acc, left, w);
        addQuad<1, MR, NV>(acc, left, w);
        addQuad<2, MR, NV>(acc, left, w);
        addQuad<3, MR, NV>(acc, left, w);
      }
      for (; quad < args.quads; ++quad, w += NV * Neon::kBytes) {
        int8x8_t left[MR];
#pragma GCC unroll 8
        for (int i = 0; i < MR; ++i) left[i] = oneQuad(tap.a[i] + tap.at + 4 * quad);
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) {
          const int8x16_t right = vld1q_s8(w + j * Neon::kBytes);
#pragma GCC unroll 8
          for (int i = 0; i < MR; ++i) {
            acc[i][j] = Neon::from32(vdotq_lane_s32(Neon::s32(acc[i][j]), right, left[i], 0));
          }
        }
      }
    }
    finishTile<Neon, MR, NV>(args, finish, tap.row, rows, acc);
    return ahead;
  }
};

}  // namespace

void dot_u8s8i32_8x8c4_neondot(const DotArgs& args) { dotTiles<LaneTile, 8, 2>(args); }
void dot_u8s8i32_4x16c4_neondot(const DotArgs& args) { dotTiles<LaneTile, 4, 4>(args); }

}  // namespace octavo
