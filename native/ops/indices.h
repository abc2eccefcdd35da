// Indices as steps read them that gather and scatter: int32 or int64, those below 0 counting from
// the end. Nothing is known of them until a run, so one out of range is a fault of the run.
#pragma once

#include <algorithm>
#include <string>

#include "native/ops/check.h"

namespace octavo {

inline bool isIndexType(const TensorInfo* tensor) {
  return isType(tensor, {DataType::kInt32, DataType::kInt64});
}

class Indices {
 public:
  Indices(const RunContext& context, const TensorInfo& tensor)
      : fault_(context.fault),
        narrow_(tensor.type == DataType::kInt32 ? context.in<int32_t>(tensor) : nullptr),
        wide_(tensor.type == DataType::kInt64 ? context.in<int64_t>(tensor) : nullptr) {}

  // Which of `size` rows index i means; -1, and a fault, where there is none.
  int64_t rowAt(int64_t i, int64_t size) const {
    const int64_t given = narrow_ == nullptr ? wide_[i] : narrow_[i];
    const int64_t row = given < 0 ? given + size : given;
    if (row >= 0 && row < size) return row;
    fault_.raise("INVALID_INPUT", "index out of range; expected -" + std::to_string(size) + " to " +
                                      std::to_string(size - 1) + ", found " +
                                      std::to_string(given));
    return -1;
  }

 private:
  Fault& fault_;
  const int32_t* narrow_;
  const int64_t* wide_;
};

// Indices [..., depth] whose last axis addresses a slice of a tensor, behind axes of a batch that
// both share.
struct Tuples {
  TensorInfo indices;
  int64_t count = 1;    // of tuples
  int64_t ofBatch = 1;  // tuples that address the same element of the batch
  int64_t batchStride = 1;
  int depth = 0;
  int64_t sizes[kMaxRank], strides[kMaxRank];  // of the axes that a tuple addresses
  int64_t slice = 1;                           // elements

  // Checks that tuples of `indices` address slices of x, and that y has the dims of the indices but
  // the last, and of a slice.
  Status take(const TensorInfo& x, const TensorInfo* from, int32_t batchDims, const TensorInfo& y) {
    if (!isIndexType(from)) return badStep("indices must be int32 or int64");
    indices = *from;
    const int tupleAxis = indices.rank - 1;
    if (tupleAxis < 0) return badStep("indices must have an axis");
    const int64_t length = indices.dims[tupleAxis];
    if (batchDims < 0 || batchDims > tupleAxis || length > x.rank - batchDims) {
      return badStep("the batch and the axes that indices address must be axes of x");
    }
    depth = static_cast<int>(length);
    const int first = batchDims + depth;
    bool fits = y.rank == tupleAxis + x.rank - first;
    for (int i = 0; i < tupleAxis && fits; ++i) {
      fits = y.dims[i] == indices.dims[i] && (i >= batchDims || x.dims[i] == indices.dims[i]);
      count *= indices.dims[i];
      if (i >= batchDims) ofBatch *= indices.dims[i];
    }
    for (int i = first; i < x.rank && fits; ++i) {
      fits = y.dims[tupleAxis + i - first] == x.dims[i];
      slice *= x.dims[i];
    }
    if (!fits) return badStep("the dims of indices and slices do not fit");
    batchStride = slice;
    for (int i = depth - 1; i >= 0; --i) {
      sizes[i] = x.dims[batchDims + i];
      strides[i] = batchStride;
      batchStride *= sizes[i];
    }
    return {};
  }

  // Where the slice of tuple i begins, in elements; -1, and a fault, where there is none.
  int64_t offsetAt(const Indices& at, int64_t i) const {
    int64_t offset = i / ofBatch * batchStride;
    for (int axis = 0; axis < depth; ++axis) {
      const int64_t row = at.rowAt(i * depth + axis, sizes[axis]);
      if (row < 0) return -1;
      offset += row * strides[axis];
    }
    return offset;
  }
};

}  // namespace octavo
