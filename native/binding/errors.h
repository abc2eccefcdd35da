// Errors of native code as JavaScript's, with the stable codes of src/core/errors.ts.
#pragma once

#include <napi.h>

#include <new>
#include <string>

#include "native/status.h"

namespace octavo {

inline Napi::Error makeError(Napi::Env env, const char* code, const std::string& what) {
  Napi::Error error = Napi::Error::New(env, what);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

inline void throwIfFailed(Napi::Env env, const Status& status) {
  if (!status.ok()) throw makeError(env, status.code(), status.what());
}

inline Napi::Error outOfMemory(Napi::Env env) {
  return makeError(env, "LIMIT_EXCEEDED", "the system has no memory for this");
}

// Calls `call`; what native code cannot get memory for becomes an error with a code.
template <typename Call>
auto orOutOfMemory(Napi::Env env, Call&& call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    throw outOfMemory(env);
  }
}

}  // namespace octavo
