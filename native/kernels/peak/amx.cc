#include <immintrin.h>

#include "native/kernels/peak/peak.h"
#include "native/kernels/simd/tileshapes.h"

namespace octavo {

// Four accumulators of 16 × 16, as the dot kernel has them.
void peak_u8s8s32_amx(const PeakArgs& args) {
  const TileShapes shapes;
  _tile_loadconfig(&shapes);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  // A stride of 0: every row of a tile is the first one.
  _tile_loadd(4, args.operands, 0);
  _tile_loadd(5, static_cast<const char*>(args.operands) + 64, 0);
  for (size_t i = 0; i < args.iterations; ++i) {
    _tile_dpbusd(0, 4, 5);
    _tile_dpbusd(1, 4, 5);
    _tile_dpbusd(2, 5, 4);
    _tile_dpbusd(3, 5, 4);
  }
  _tile_stored(0, args.result, 64);
  _tile_release();
}

}  // namespace octavo
