#include "native/binding/buffers.h"

#include <cstring>

#include "native/binding/errors.h"
#include "native/binding/plan.h"
#include "native/pack/pages.h"

namespace octavo {
namespace {

// Smaller ones are zeroed in no time. Larger ones than 32 bits say Buffer may refuse.
constexpr size_t kLeastUnwritten = size_t{1} << 16;
constexpr size_t kMostUnwritten = 0xffffffff;

}  // namespace

BufferMakers::BufferMakers(Napi::Env env)
    : arrayBuffer(Napi::Persistent(env.Global().Get("ArrayBuffer").As<Napi::Function>())) {
  const Napi::Object buffer = env.Global().Get("Buffer").As<Napi::Object>();
  unwritten = Napi::Persistent(buffer.Get("allocUnsafeSlow").As<Napi::Function>());
}

Napi::ArrayBuffer newArrayBuffer(Napi::Env env, size_t bytes) {
  const BufferMakers& makers = env.GetInstanceData<Instance>()->buffers;
  const Napi::Number length = Napi::Number::New(env, static_cast<double>(bytes));
  try {
    if (bytes < kLeastUnwritten || bytes > kMostUnwritten) {
      return makers.arrayBuffer.New({length}).As<Napi::ArrayBuffer>();
    }
    return makers.unwritten.Call({length}).As<Napi::Uint8Array>().ArrayBuffer();
  } catch (const Napi::Error&) {
    throw outOfMemory(env);
  }
}

RunOutputs::RunOutputs(Napi::Env env, const ExecutablePlan& plan) {
  const Napi::Array buffers = Napi::Array::New(env, plan.outputCount());
  for (size_t i = 0; i < plan.outputCount(); i++) {
    const size_t bytes = plan.output(i).bytes;
    Napi::ArrayBuffer buffer = newArrayBuffer(env, bytes);
    memories_.push_back({static_cast<uint8_t*>(buffer.Data()), bytes});
    buffers.Set(static_cast<uint32_t>(i), buffer);
  }
  NAPI_THROW_IF_FAILED_VOID(env, napi_create_reference(env, buffers, 1, &buffers_));
}

void RunOutputs::fill(const ExecutablePlan& plan, RunMemory& memory) const {
  for (size_t i = 0; i < memories_.size(); i++) {
    const auto& [data, bytes] = memories_[i];
    if (bytes == 0) continue;
    if (bytes >= kLeastUnwritten) takePages(data, bytes);
    std::memcpy(data, plan.place(memory, plan.output(i)), bytes);
  }
}

Napi::Value RunOutputs::take(Napi::Env env) {
  napi_value buffers;
  NAPI_THROW_IF_FAILED(env, napi_get_reference_value(env, buffers_, &buffers), Napi::Value());
  NAPI_THROW_IF_FAILED(env, napi_delete_reference(env, buffers_), Napi::Value());
  return Napi::Value(env, buffers);
}

}  // namespace octavo
