#include "native/binding/model.h"

#include <algorithm>
#include <atomic>
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

Napi::Value NativeModel::prepareAside(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  struct Aside {
    Preparation preparation;
    Napi::Promise::Deferred deferred;
    // This handle and the arrays, for as long as the job lasts.
    napi_ref held = nullptr;
    Status status = Status::error("ABORTED", "aborted");
    bool outOfMemory = false;
  };
  Napi::Array held = Napi::Array::New(env);
  held.Set(0u, info.This());
  for (uint32_t i = 0; i < info.Length(); i++) held.Set(i + 1, info[i]);
  auto aside =
      std::make_shared<Aside>(Aside{preparationOf(info), Napi::Promise::Deferred::New(env)});
  NAPI_THROW_IF_FAILED(env, napi_create_reference(env, held, 1, &aside->held), Napi::Value());
  auto job = std::make_shared<Job>();
  job->work = [aside](const std::atomic<bool>&) {
    try {
      aside->status = aside->preparation.run();
    } catch (const std::bad_alloc&) {
      aside->outOfMemory = true;
    }
  };
  job->finish = [this, aside](Napi::Env where) {
    try {
      if (aside->outOfMemory) throw outOfMemory(where);
      throwIfFailed(where, aside->status);
      account(where);
      aside->deferred.Resolve(planOf(where, std::move(aside->preparation.state)));
    } catch (const Napi::Error& error) {
      aside->deferred.Reject(error.Value());
    }
    napi_delete_reference(where, aside->held);
  };
  if (env.GetInstanceData<Instance>()->environment->start(env, job) == 0) {
    napi_delete_reference(env, aside->held);
    throw makeError(env, "BACKEND_FAILURE", "the system has no thread to prepare a plan");
  }
  return aside->deferred.Promise();
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
