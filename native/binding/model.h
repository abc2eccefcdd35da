// The JavaScript class over models. The handle is cheap: what it holds is shared with the plans of
// the model and freed by dispose() or the garbage collector, whichever comes first.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "native/binding/constants.h"
#include "native/binding/plan.h"
#include "native/plan/models.h"
#include "native/status.h"

namespace octavo {

// new NativeModel(constants: Constants, isa: string, kernel?: string): `kernel` is forced on all
// plans. Constants are one Uint8Array, which is copied, or { bytes: number, offsets: Float64Array,
// data: (TypedArray | Turned)[] }: parts of a block of so many bytes, by offset. Turned: { source:
// TypedArray, batches, rows, columns: number }, see pack/turn.h.
class NativeModel : public Napi::ObjectWrap<NativeModel> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NativeModel(const Napi::CallbackInfo& info);
  ~NativeModel() override;

 private:
  // prepare(words: Int32Array, constants: Uint8Array, threads: number, parts?: Constants):
  // NativePlan. `parts`: the model's constants once more, of which those are read that this plan
  // packs, or keeps, first.
  Napi::Value prepare(const Napi::CallbackInfo& info);
  // prepareAside(the same): Promise<NativePlan>: prepares on another thread. Until it settles
  // nobody may write to the arrays or detach their buffers.
  Napi::Value prepareAside(const Napi::CallbackInfo& info);
  Napi::Value packedBytes(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  // What a plan is prepared from, and where it goes.
  struct Preparation {
    std::shared_ptr<OpenedModel> model;
    Bytes words, constants;
    std::vector<ConstantPart> parts;
    size_t threads;
    std::shared_ptr<PlanState> state;

    // On any thread. Throws std::bad_alloc.
    Status run() const;
  };
  class Preparer;
  Preparation preparationOf(const Napi::CallbackInfo& info) const;
  const Model* found() const;
  void account(Napi::Env env);

  std::shared_ptr<OpenedModel> model_;
  int64_t accounted_ = 0;
};

}  // namespace octavo
