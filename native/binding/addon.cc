// The addon's exports: what this build and this CPU can do, and the classes that run plans. The
// only folder that sees both V8 and pointers.
#include <napi.h>

#include <string>

#include "native/binding/model.h"
#include "native/binding/plan.h"
#include "native/binding/supply.h"
#include "native/cpu/isa.h"
#include "native/kernels/peak/peak.h"
#include "native/kernels/registry.h"
#include "native/plan/executor.h"
#include "native/threading/os.h"

namespace octavo {
namespace {

// [{ name, built, supported }] from the least to the best.
Napi::Array listIsas(Napi::Env env) {
  Napi::Array list = Napi::Array::New(env);
  for (int i = 0; i < static_cast<int>(Isa::kCount); i++) {
    const Isa isa = static_cast<Isa>(i);
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", isaName(isa));
    entry.Set("built", isaBuilt(isa));
    entry.Set("supported", isaSupported(isa));
    list.Set(static_cast<uint32_t>(i), entry);
  }
  return list;
}

// [{ family, name, isa }]
Napi::Array listKernels(Napi::Env env) {
  Napi::Array list = Napi::Array::New(env);
  size_t count;
  const KernelInfo* kernels = allKernels(&count);
  for (size_t i = 0; i < count; i++) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("family", kernels[i].family);
    entry.Set("name", kernels[i].name);
    entry.Set("isa", isaName(kernels[i].isa));
    list.Set(static_cast<uint32_t>(i), entry);
  }
  return list;
}

// peaks(): [{ name, isa, ops }], the register loops that this CPU can run. `ops`: operations of one
// iteration.
Napi::Value peaks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array list = Napi::Array::New(env);
  size_t count;
  const PeakKernel* kernels = peakKernels(&count);
  for (size_t i = 0; i < count; i++) {
    if (!isPeakRunnable(kernels[i])) continue;
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", kernels[i].name);
    entry.Set("isa", isaName(kernels[i].isa));
    entry.Set("ops", kernels[i].operations);
    list.Set(list.Length(), entry);
  }
  return list;
}

// runPeak(name: string, iterations: number): number, the nanoseconds they took.
Napi::Value runPeak(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].ToString().Utf8Value();
  const uint32_t iterations = info[1].ToNumber().Uint32Value();
  size_t count;
  const PeakKernel* kernels = peakKernels(&count);
  for (size_t i = 0; i < count; i++) {
    if (name != kernels[i].name || !isPeakRunnable(kernels[i])) continue;
    return Napi::Number::New(env, measurePeak(kernels[i], iterations));
  }
  throw Napi::Error::New(env, "this CPU can run no peak loop " + name);
}

// detach(buffers: ArrayBuffer[])
void detach(const Napi::CallbackInfo& info) {
  const Napi::Array buffers = info[0].As<Napi::Array>();
  for (uint32_t i = 0; info[0].IsArray() && i < buffers.Length(); i++) {
    const Napi::Value buffer = buffers.Get(i);
    if (buffer.IsArrayBuffer()) buffer.As<Napi::ArrayBuffer>().Detach();
  }
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* instance = new Instance{nullptr, {}, BufferMakers(env)};
  env.SetInstanceData(instance);
  instance->environment = Environment::create(env);
  instance->planClass = Napi::Persistent(NativePlan::define(env));
  exports.Set("NativeModel", NativeModel::define(env));
  exports.Set("schema", schemaText());
  exports.Set("isas", listIsas(env));
  exports.Set("kernels", listKernels(env));
  exports.Set("detach", Napi::Function::New(env, detach, "detach"));
  exports.Set("supplyPages", Napi::Function::New(env, supplyPagesAside, "supplyPages"));
  exports.Set("peaks", Napi::Function::New(env, peaks, "peaks"));
  exports.Set("runPeak", Napi::Function::New(env, runPeak, "runPeak"));
  exports.Set("bestIsa", isaName(bestIsa()));
  exports.Set("usableCpus", static_cast<double>(usableCpus()));
  return exports;
}

}  // namespace
}  // namespace octavo

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  return octavo::initialize(env, exports);
}
NODE_API_MODULE(octavo, initialize)
