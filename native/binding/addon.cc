// The addon's exports: what this build and this CPU can do, and the classes that run plans. The
// only folder that sees both V8 and pointers.
#include <napi.h>

#include "native/binding/plan.h"
#include "native/cpu/isa.h"
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

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* instance = new Instance;
  env.SetInstanceData(instance);
  instance->environment = Environment::create(env);
  instance->planClass = Napi::Persistent(NativePlan::define(env));
  instance->arrayBufferClass =
      Napi::Persistent(env.Global().Get("ArrayBuffer").As<Napi::Function>());
  exports.Set("NativeModel", NativeModel::define(env));
  exports.Set("schema", schemaText());
  exports.Set("isas", listIsas(env));
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
