// What prepare functions check with. A plan that contradicts itself is a failure of the backend to
// take it, whatever made it.
#pragma once

#include <initializer_list>
#include <string>

#include "native/kernels/choose.h"
#include "native/ops/op.h"

namespace octavo {

inline Status badStep(std::string what) {
  return Status::error("BACKEND_FAILURE", std::move(what));
}

// A kernel that was asked for by name and cannot compute the step.
inline Status badKernel(const char* name, const std::string& why) {
  return Status::error("INVALID_ARGUMENT", std::string(name) + " cannot be used: " + why);
}

inline Status notRunnable(const char* name) {
  return Status::error("BACKEND_UNAVAILABLE", std::string("this CPU cannot run ") + name);
}

template <typename Kernel>
Status checkRunnable(const Kernel& kernel) {
  return isRunnable(kernel) ? Status() : notRunnable(kernel.name);
}

inline const TensorInfo* inputAt(const StepView& step, size_t i) {
  return i < step.inputCount ? step.inputs[i] : nullptr;
}

inline const TensorInfo* outputAt(const StepView& step, size_t i) {
  return i < step.outputCount ? step.outputs[i] : nullptr;
}

inline bool isType(const TensorInfo* tensor, std::initializer_list<DataType> types) {
  if (tensor == nullptr) return false;
  for (DataType type : types) {
    if (tensor->type == type) return true;
  }
  return false;
}

inline bool sameDims(const TensorInfo& a, const TensorInfo& b) {
  if (a.rank != b.rank) return false;
  for (int i = 0; i < a.rank; ++i) {
    if (a.dims[i] != b.dims[i]) return false;
  }
  return true;
}

// A constant input with one value for each of `count` output columns; null where it is absent.
template <typename T>
Status takeColumns(const StepView& step, const PrepareContext& context, size_t input, DataType type,
                   int64_t count, const char* name, const T** values) {
  const TensorInfo* tensor = inputAt(step, input);
  *values = nullptr;
  if (tensor == nullptr) return {};
  if (tensor->type != type || tensor->count != count) {
    return badStep(std::string(name) + " must have one value for each output column");
  }
  *values = context.constant<T>(*tensor);
  return *values == nullptr ? badStep(std::string(name) + " must be a constant") : Status();
}

// Whether `length` elements from `first` on lie inside of the `room` that y has for them.
inline bool holdsPlace(int64_t room, int64_t first, int64_t length) {
  return first >= 0 && length <= room - first;
}

// Zero points and bounds of a uint8 result.
inline bool isUint8Range(int32_t zero, int32_t min, int32_t max) {
  const auto inside = [](int32_t v) { return v >= 0 && v <= 255; };
  return inside(zero) && inside(min) && inside(max) && min <= max;
}

}  // namespace octavo
