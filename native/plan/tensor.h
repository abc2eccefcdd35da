// Tensors as a plan describes them: type, dims and a place in one of three spaces. Checked once,
// when the plan is decoded: dims are not negative, their product fits, and the bytes lie inside the
// space.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

// In the order of `dataTypes` in src/core/dtype.ts.
enum class DataType : int32_t {
  kFloat32,
  kFloat64,
  kFloat16,
  kBfloat16,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kBool,
  kInt4,
  kUint4,
  kInt2,
  kUint2,
  kInt1,
  kCount
};

// In the order of `spaces` in src/runtime/plan.ts.
enum class Space : int32_t { kArena, kModel, kPlan, kCount };

constexpr int kMaxRank = 8;
// Every tensor starts at a multiple of this, and every space ends in this many readable bytes, so a
// kernel may load a whole vector where a tensor's last element is.
constexpr size_t kTensorAlignment = 64;
constexpr size_t kTensorSlack = 64;

struct TensorInfo {
  DataType type;
  Space space;
  size_t offset;
  size_t bytes;
  int rank;
  int64_t dims[kMaxRank];
  int64_t count;  // product of dims
};

}  // namespace octavo
