#include "native/binding/supply.h"

#include <algorithm>
#include <cstdint>

#include "native/binding/constants.h"
#include "native/pack/supply.h"

namespace octavo {
namespace {

class Supplier final : public Napi::AsyncWorker {
 public:
  explicit Supplier(const Napi::CallbackInfo& info)
      : AsyncWorker(info.Env()),
        memory_(bytesOf(info.Env(), info[0])),
        begin_(placeIn(memory_, info[1])),
        end_(placeIn(memory_, info[2])),
        held_(Napi::Persistent(info[0].As<Napi::Object>())),
        deferred_(info.Env()) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    if (begin_ >= end_) return;
    auto* const room = const_cast<uint8_t*>(memory_.data);
    supplyPages(room + begin_, end_ - begin_, room, memory_.size);
  }

  void OnOK() override { deferred_.Resolve(Env().Undefined()); }

 private:
  static size_t placeIn(const Bytes& memory, const Napi::Value& place) {
    return std::min(static_cast<size_t>(place.ToNumber().Int64Value()), memory.size);
  }

  const Bytes memory_;
  const size_t begin_, end_;
  Napi::ObjectReference held_;
  Napi::Promise::Deferred deferred_;
};

}  // namespace

Napi::Value supplyPagesAside(const Napi::CallbackInfo& info) {
  auto* supplier = new Supplier(info);
  const Napi::Promise promise = supplier->promise();
  supplier->Queue();
  return promise;
}

}  // namespace octavo
