// The configuration of AMX with which kernels run: eight tiles of 16 rows × 64 bytes.
#pragma once

#include <stdint.h>

namespace octavo {
namespace {

struct alignas(64) TileShapes {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

}  // namespace
}  // namespace octavo
