#include "native/binding/constants.h"

#include <algorithm>
#include <cstring>

#include "native/binding/errors.h"

namespace octavo {
namespace {

// A typed array, or one whose elements are yet to be turned.
ConstantPart partOf(Napi::Env env, const Napi::Value& value) {
  if (value.IsTypedArray()) {
    const Bytes bytes = bytesOf(env, value);
    return {0, bytes.size, bytes.data, {}};
  }
  if (!value.IsObject()) throw makeError(env, "INTERNAL", "a constant needs its data");
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value source = object.Get("source");
  const Bytes bytes = bytesOf(env, source);
  const auto sizeOf = [&](const char* name) { return object.Get(name).ToNumber().Uint32Value(); };
  const Turn turn{source.As<Napi::TypedArray>().ElementSize(), sizeOf("batches"), sizeOf("rows"),
                  sizeOf("columns")};
  const double count = static_cast<double>(turn.batches) * turn.rows * turn.columns;
  if (count * static_cast<double>(turn.elementBytes) != static_cast<double>(bytes.size)) {
    throw makeError(env, "INTERNAL", "a turned constant has other elements");
  }
  return {0, bytes.size, bytes.data, turn};
}

}  // namespace

Bytes bytesOf(Napi::Env env, const Napi::Value& value) {
  if (!value.IsTypedArray()) throw makeError(env, "INTERNAL", "not a typed array");
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) {
    throw makeError(env, "INTERNAL", "unreadable typed array");
  }
  return {static_cast<const uint8_t*>(data), length * value.As<Napi::TypedArray>().ElementSize()};
}

Constants constantsOf(Napi::Env env, const Napi::Value& value) {
  Constants constants;
  if (value.IsTypedArray()) {
    const Bytes block = bytesOf(env, value);
    constants.bytes = block.size;
    if (block.size > 0) constants.parts.push_back({0, block.size, block.data, {}});
    return constants;
  }
  if (!value.IsObject()) throw makeError(env, "INTERNAL", "a model needs its constants");
  const Napi::Object object = value.As<Napi::Object>();
  constants.bytes = static_cast<size_t>(object.Get("bytes").ToNumber().Int64Value());
  const Bytes offsets = bytesOf(env, object.Get("offsets"));
  const Napi::Value list = object.Get("data");
  if (!list.IsArray()) throw makeError(env, "INTERNAL", "the data of constants are no list");
  const Napi::Array data = list.As<Napi::Array>();
  if (offsets.size != data.Length() * sizeof(double)) {
    throw makeError(env, "INTERNAL", "constants need an offset each");
  }
  const size_t limit = constants.bytes - std::min(constants.bytes, kTensorSlack);
  size_t end = 0;
  for (uint32_t i = 0; i < data.Length(); i++) {
    double place;
    std::memcpy(&place, offsets.data + i * sizeof(double), sizeof(double));
    const ConstantPart part = partOf(env, data.Get(i));
    if (!(place >= static_cast<double>(end) && place <= static_cast<double>(limit))) {
      throw makeError(env, "INTERNAL", "constants overlap or are not in order");
    }
    const auto offset = static_cast<size_t>(place);
    if (offset % kTensorAlignment != 0 || part.bytes > limit - offset) {
      throw makeError(env, "INTERNAL", "a constant does not lie in its block");
    }
    if (part.bytes > 0) constants.parts.push_back({offset, part.bytes, part.data, part.moved});
    end = offset + part.bytes;
  }
  return constants;
}

}  // namespace octavo
