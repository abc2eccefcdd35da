// Walking tensors by strides: broadcasting, permuting, slicing and reducing are all a choice of
// strides. A Walk goes through an index space in row-major order, a row of its last axis at a time,
// and tells where the row lies in each of N tensors. Its own axes are merged first where every
// tensor allows it, so that rows are as long as can be.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "native/plan/tensor.h"

namespace octavo {

// Row-major strides, in elements; all 0 for a tensor without elements.
inline void stridesOf(const TensorInfo& tensor, int64_t* strides) {
  int64_t stride = tensor.count == 0 ? 0 : 1;
  for (int axis = tensor.rank - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= tensor.dims[axis];
  }
}

// Strides that walk `x` as if it had the dims of `y`; false when x doesn't broadcast to y.
inline bool broadcastStrides(const TensorInfo& x, const TensorInfo& y, int64_t* strides) {
  if (x.rank > y.rank) return false;
  int64_t own[kMaxRank];
  stridesOf(x, own);
  const int missing = y.rank - x.rank;
  for (int axis = 0; axis < y.rank; ++axis) {
    const int64_t dim = axis < missing ? 1 : x.dims[axis - missing];
    if (dim != y.dims[axis] && dim != 1) return false;
    strides[axis] = dim == 1 ? 0 : own[axis - missing];
  }
  return true;
}

template <int N>
struct Walk {
  int rank = 0;
  int64_t dims[kMaxRank];
  int64_t strides[N][kMaxRank];

  // Appends an axis within those that are there; `stride` has N entries.
  void add(int64_t dim, const int64_t* stride) {
    if (dim == 1) return;
    const int last = rank - 1;
    bool merges = rank > 0;
    for (int i = 0; i < N && merges; ++i) merges = strides[i][last] == stride[i] * dim;
    const int at = merges ? last : rank++;
    dims[at] = merges ? dims[at] * dim : dim;
    for (int i = 0; i < N; ++i) strides[i][at] = stride[i];
  }

  int64_t rowLength() const { return rank == 0 ? 1 : dims[rank - 1]; }
  int64_t rowStride(int i) const { return rank == 0 ? 0 : strides[i][rank - 1]; }
  int64_t rows() const {
    int64_t product = 1;
    for (int axis = 0; axis < rank - 1; ++axis) product *= dims[axis];
    return product;
  }

  // Where cell `index` of the index space lies in each tensor.
  void offsetsOf(int64_t index, int64_t* offsets) const {
    for (int i = 0; i < N; ++i) offsets[i] = 0;
    for (int axis = rank - 1; axis >= 0; --axis) {
      for (int i = 0; i < N; ++i) offsets[i] += index % dims[axis] * strides[i][axis];
      index /= dims[axis];
    }
  }

  // Calls row(at, length, offsets) for the cells [begin, end) of the index space: `at` is the row's
  // first cell counted over all, offsets[i] where it lies in tensor i. The first and the last row
  // may be cut.
  template <typename Row>
  void forEachRow(int64_t begin, int64_t end, Row&& row) const {
    if (begin >= end) return;
    const int64_t width = rowLength();
    const int outer = std::max(rank - 1, 0);
    int64_t index[kMaxRank], offsets[N] = {};
    int64_t rest = begin / width, column = begin % width;
    for (int axis = outer - 1; axis >= 0; --axis) {
      index[axis] = rest % dims[axis];
      rest /= dims[axis];
      for (int i = 0; i < N; ++i) offsets[i] += index[axis] * strides[i][axis];
    }
    for (int64_t at = begin; at < end;) {
      const int64_t length = std::min(width - column, end - at);
      int64_t from[N];
      for (int i = 0; i < N; ++i) from[i] = offsets[i] + column * rowStride(i);
      row(at, length, static_cast<const int64_t*>(from));
      at += length;
      column = 0;
      for (int axis = outer - 1; axis >= 0; --axis) {
        for (int i = 0; i < N; ++i) offsets[i] += strides[i][axis];
        if (++index[axis] < dims[axis]) break;
        for (int i = 0; i < N; ++i) offsets[i] -= dims[axis] * strides[i][axis];
        index[axis] = 0;
      }
    }
  }
};

}  // namespace octavo
