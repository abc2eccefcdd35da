// NEON: blocks of 16 bytes by as many rows as there are elements in them are transposed in
// registers, and up to four rows or columns by the loads and stores that take structures apart.
// Loads reach beyond the last column, by less than kTensorSlack; stores are exact.
#include "native/kernels/simd/neon.h"

#include "native/kernels/transpose/transpose.h"

namespace octavo {
namespace {

// What elements of one size need.
struct Bytes {
  using Element = uint8_t;
  static Neon::Int zipLow(Neon::Int a, Neon::Int b) { return vzip1q_u8(a, b); }
  static Neon::Int zipHigh(Neon::Int a, Neon::Int b) { return vzip2q_u8(a, b); }
  static uint8x16_t load(const uint8_t* p) { return vld1q_u8(p); }
  static uint8x16x2_t load2(const uint8_t* p) { return vld2q_u8(p); }
  static uint8x16x3_t load3(const uint8_t* p) { return vld3q_u8(p); }
  static uint8x16x4_t load4(const uint8_t* p) { return vld4q_u8(p); }
  static void store(uint8_t* p, uint8x16_t v) { vst1q_u8(p, v); }
  static void store2(uint8_t* p, uint8x16x2_t v) { vst2q_u8(p, v); }
  static void store3(uint8_t* p, uint8x16x3_t v) { vst3q_u8(p, v); }
  static void store4(uint8_t* p, uint8x16x4_t v) { vst4q_u8(p, v); }
};

struct Halves {
  using Element = uint16_t;
  static Neon::Int zipLow(Neon::Int a, Neon::Int b) { return Neon::unpackLow16(a, b); }
  static Neon::Int zipHigh(Neon::Int a, Neon::Int b) { return Neon::unpackHigh16(a, b); }
  static uint16x8_t load(const uint16_t* p) { return vld1q_u16(p); }
  static uint16x8x2_t load2(const uint16_t* p) { return vld2q_u16(p); }
  static uint16x8x3_t load3(const uint16_t* p) { return vld3q_u16(p); }
  static uint16x8x4_t load4(const uint16_t* p) { return vld4q_u16(p); }
  static void store(uint16_t* p, uint16x8_t v) { vst1q_u16(p, v); }
  static void store2(uint16_t* p, uint16x8x2_t v) { vst2q_u16(p, v); }
  static void store3(uint16_t* p, uint16x8x3_t v) { vst3q_u16(p, v); }
  static void store4(uint16_t* p, uint16x8x4_t v) { vst4q_u16(p, v); }
};

struct Words {
  using Element = uint32_t;
  static Neon::Int zipLow(Neon::Int a, Neon::Int b) {
    return Neon::from32(vzip1q_s32(Neon::s32(a), Neon::s32(b)));
  }
  static Neon::Int zipHigh(Neon::Int a, Neon::Int b) {
    return Neon::from32(vzip2q_s32(Neon::s32(a), Neon::s32(b)));
  }
  static uint32x4_t load(const uint32_t* p) { return vld1q_u32(p); }
  static uint32x4x2_t load2(const uint32_t* p) { return vld2q_u32(p); }
  static uint32x4x3_t load3(const uint32_t* p) { return vld3q_u32(p); }
  static uint32x4x4_t load4(const uint32_t* p) { return vld4q_u32(p); }
  static void store(uint32_t* p, uint32x4_t v) { vst1q_u32(p, v); }
  static void store2(uint32_t* p, uint32x4x2_t v) { vst2q_u32(p, v); }
  static void store3(uint32_t* p, uint32x4x3_t v) { vst3q_u32(p, v); }
  static void store4(uint32_t* p, uint32x4x4_t v) { vst4q_u32(p, v); }
};

// A block of up to n rows and n columns, n elements being a vector.
template <typename T>
inline void transposeBlock(const typename T::Element* x, size_t xStride, size_t rows,
                           typename T::Element* y, size_t yStride, size_t columns) {
  constexpr size_t size = sizeof(typename T::Element), n = Neon::kBytes / size;
  Neon::Int row[n], next[n];
#pragma GCC unroll 16
  for (size_t i = 0; i < n; ++i) row[i] = i < rows ? Neon::load(x + i * xStride) : Neon::zero();
  // Each round interleaves row i with row i + n / 2.
#pragma GCC unroll 4
  for (size_t round = 1; round < n; round *= 2) {
#pragma GCC unroll 8
    for (size_t i = 0; i < n / 2; ++i) {
      next[2 * i] = T::zipLow(row[i], row[i + n / 2]);
      next[2 * i + 1] = T::zipHigh(row[i], row[i + n / 2]);
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < n; ++i) row[i] = next[i];
  }
#pragma GCC unroll 16
  for (size_t j = 0; j < n; ++j) {
    if (j >= columns) return;
    if (rows == n) {
      Neon::store(y + j * yStride, row[j]);
    } else {
      Neon::storeFirst(y + j * yStride, row[j], rows * size);
    }
  }
}

// Few rows whose columns follow each other in y; returns how many columns were done.
template <typename T>
inline size_t interleave(const typename T::Element* x, size_t xStride, size_t rows,
                         typename T::Element* y, size_t columns) {
  constexpr size_t n = Neon::kBytes / sizeof(typename T::Element);
  const auto *a = x, *b = x + xStride, *c = b + xStride, *d = c + xStride;
  size_t j = 0;
  for (; j + n <= columns; j += n, y += n * rows) {
    if (rows == 2) {
      T::store2(y, {T::load(a + j), T::load(b + j)});
    } else if (rows == 3) {
      T::store3(y, {T::load(a + j), T::load(b + j), T::load(c + j)});
    } else {
      T::store4(y, {T::load(a + j), T::load(b + j), T::load(c + j), T::load(d + j)});
    }
  }
  return j;
}

// Few columns whose rows follow each other in x; returns how many rows were done.
template <typename T>
inline size_t takeApart(const typename T::Element* x, size_t rows, typename T::Element* y,
                        size_t yStride, size_t columns) {
  constexpr size_t n = Neon::kBytes / sizeof(typename T::Element);
  const auto store = [&](const auto& parts) {
    for (size_t j = 0; j < columns; ++j) T::store(y + j * yStride, parts.val[j]);
  };
  size_t i = 0;
  for (; i + n <= rows; i += n, x += n * columns, y += n) {
    if (columns == 2) {
      store(T::load2(x));
    } else if (columns == 3) {
      store(T::load3(x));
    } else {
      store(T::load4(x));
    }
  }
  return i;
}

template <typename T>
inline void transpose(const TransposeArgs& args) {
  using Element = typename T::Element;
  constexpr size_t n = Neon::kBytes / sizeof(Element);
  const auto isFew = [](size_t count) { return count >= 2 && count <= 4; };
  const auto* x = static_cast<const Element*>(args.x);
  auto* y = static_cast<Element*>(args.y);
  size_t firstRow = 0, firstColumn = 0;
  if (isFew(args.rows) && args.yStride == args.rows) {
    firstColumn = interleave<T>(x, args.xStride, args.rows, y, args.columns);
  } else if (isFew(args.columns) && args.xStride == args.columns) {
    firstRow = takeApart<T>(x, args.rows, y, args.yStride, args.columns);
  }
  for (size_t j = firstColumn; j < args.columns; j += n) {
    const size_t columns = args.columns - j < n ? args.columns - j : n;
    for (size_t i = firstRow; i < args.rows; i += n) {
      const size_t rows = args.rows - i < n ? args.rows - i : n;
      transposeBlock<T>(x + i * args.xStride + j, args.xStride, rows, y + j * args.yStride + i,
                        args.yStride, columns);
    }
  }
}

}  // namespace

void transpose_b1_neon(const TransposeArgs& args) { transpose<Bytes>(args); }
void transpose_b2_neon(const TransposeArgs& args) { transpose<Halves>(args); }
void transpose_b4_neon(const TransposeArgs& args) { transpose<Words>(args); }

}  // namespace octavo
