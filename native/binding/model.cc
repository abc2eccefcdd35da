#include "native/binding/model.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "native/binding/errors.h"
#include "native/binding/plan.h"
#include "native/kernels/registry.h"
#include "native/threading/pool.h"

namespace octavo {
namespace {

bool isKernel(const std::string& name) {
  size_t count;
  const KernelInfo* kernels = allKernels(&count);
  return std::any_of(kernels, kernels + count, [&](const KernelInfo& k) { return name == k.name; });
}

Napi::Value planOf(Napi::Env env, std::shared_ptr<PlanState> state) {
  auto& instance = *env.GetInstanceData<Instance>();
  return instance.planClass.New({Napi::External<std::shared_ptr<PlanState>>::New(env, &state)});
}

}  // namespace

Napi::Function NativeModel::define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {InstanceMethod<&NativeModel::prepare>("prepare"),
                      InstanceMethod<&NativeModel::prepareAside>("prepareAside"),
                      InstanceMethod<&NativeModel::packedBytes>("packedBytes"),
                      InstanceMethod<&NativeModel::dispose>("dispose")});
}

NativeModel::NativeModel(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeModel>(info) {
  const Napi::Env env = info.Env();
  const Constants constants = constantsOf(env, info[0]);
  Isa isa;
  if (!parseIsa(info[1].ToString().Utf8Value().c_str(), &isa) || !isaBuilt(isa) ||
      !isaSupported(isa)) {
    throw makeError(env, "BACKEND_UNAVAILABLE", "this instruction set is not available");
  }
  const std::string kernel = info[2].IsUndefined() ? "" : info[2].ToString().Utf8Value();
  if (!kernel.empty() && !isKernel(kernel)) {
    throw makeError(env, "INVALID_ARGUMENT", "there is no kernel " + kernel);
  }
  model_ = std::make_shared<OpenedModel>(constants.bytes, isa, kernel);
  if (info[0].IsTypedArray()) {
    const auto model = orOutOfMemory(env, [&] { return model_->get(constants.parts); });
    for (const ConstantPart& part : constants.parts) model->constants.keep(part, isa);
  }
  account(env);
}

NativeModel::~NativeModel() { Napi::MemoryManagement::AdjustExternalMemory(Env(), -accounted_); }

const Model* NativeModel::found() const { return model_ == nullptr ? nullptr : model_->found(); }

void NativeModel::account(Napi::Env env) {
  const Model* const model = found();
  const auto bytes = static_cast<int64_t>(model == nullptr ? 0 : model->bytes());
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes - accounted_);
  accounted_ = bytes;
}

Napi::Value NativeModel::prepare(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Preparation preparation = preparationOf(info);
  throwIfFailed(env, orOutOfMemory(env, [&] { return preparation.run(); }));
  account(env);
  return planOf(env, std::move(preparation.state));
}

// Prepares a plan on a thread of libuv's: those of the pool are nicer, so that on a busy machine
// it would take far longer there.
class NativeModel::Preparer final : public Napi::AsyncWorker {
 public:
  Preparer(const Napi::CallbackInfo& info, NativeModel& model)
      : AsyncWorker(info.Env()),
        model_(model),
        preparation_(model.preparationOf(info)),
        held_(Napi::Persistent(Napi::Array::New(info.Env()))),
        deferred_(info.Env()) {
    Napi::Array held = held_.Value();
    held.Set(0u, info.This());
    for (uint32_t i = 0; i < info.Length(); i++) held.Set(i + 1, info[i]);
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      status_ = preparation_.run();
    } catch (const std::bad_alloc&) {
      outOfMemory_ = true;
    }
  }

  void OnOK() override {
    const Napi::Env env = Env();
    try {
      if (outOfMemory_) throw outOfMemory(env);
      throwIfFailed(env, status_);
      model_.account(env);
      deferred_.Resolve(planOf(env, std::move(preparation_.state)));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 private:
  NativeModel& model_;
  Preparation preparation_;
  // The model's handle and the arrays, which are read until it ends.
  Napi::Reference<Napi::Array> held_;
  Napi::Promise::Deferred deferred_;
  Status status_;
  bool outOfMemory_ = false;
};

Napi::Value NativeModel::prepareAside(const Napi::CallbackInfo& info) {
  auto* preparer = new Preparer(info, *this);
  const Napi::Promise promise = preparer->promise();
  preparer->Queue();
  return promise;
}

NativeModel::Preparation NativeModel::preparationOf(const Napi::CallbackInfo& info) const {
  const Napi::Env env = info.Env();
  if (model_ == nullptr) throw makeError(env, "DISPOSED", "the model has been disposed");
  Preparation result{model_, bytesOf(env, info[0]), bytesOf(env, info[1]), {}, 1, nullptr};
  result.threads = std::clamp<size_t>(info[2].ToNumber().Uint32Value(), 1, kMaxThreads);
  if (!info[3].IsUndefined()) result.parts = constantsOf(env, info[3]).parts;
  result.state = std::make_shared<PlanState>();
  return result;
}

Status NativeModel::Preparation::run() const {
  return ExecutablePlan::create(
      model->get(parts), parts, reinterpret_cast<const int32_t*>(words.data),
      words.size / sizeof(int32_t), constants.data, constants.size, threads, &state->plan);
}

Napi::Value NativeModel::packedBytes(const Napi::CallbackInfo& info) {
  const Model* const model = found();
  return Napi::Number::New(info.Env(),
                           model == nullptr ? 0 : static_cast<double>(model->packs.bytes()));
}

void NativeModel::dispose(const Napi::CallbackInfo& info) {
  model_ = nullptr;
  account(info.Env());
}

}  // namespace octavo
