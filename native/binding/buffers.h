// ArrayBuffers for what runs give back.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/binding/pagesahead.h"
#include "native/plan/executor.h"

namespace octavo {

// The functions of JavaScript that make them: those throw where Node-API's own end the process.
struct BufferMakers {
  explicit BufferMakers(Napi::Env env);

  Napi::FunctionReference arrayBuffer;  // new ArrayBuffer(bytes), zeroed
  Napi::FunctionReference unwritten;    // Buffer.allocUnsafeSlow(bytes), not written to
};

// An ordinary ArrayBuffer, whose bytes are to be written before anybody else sees it. Throws
// LIMIT_EXCEEDED.
Napi::ArrayBuffer newArrayBuffer(Napi::Env env, size_t bytes);

// The outputs of one run. They are made on the JavaScript thread when the run begins and filled on
// the thread that runs it: finding memory for the pages of a large buffer, which the system does at
// the first write, must not hold up the event loop. Until take() nobody else has the buffers, so
// they are not detached meanwhile.
class RunOutputs {
 public:
  RunOutputs(Napi::Env env, const ExecutablePlan& plan);

  // What is to be filled. Never moves.
  const std::vector<PagesAhead::Memory>& memories() const { return memories_; }

  // Copies the results of a run that has ended. On any thread, while the environment lives.
  void fill(const ExecutablePlan& plan, RunMemory& memory) const;

  // An array of ArrayBuffers, from now on the caller's. To be called once, on the JavaScript
  // thread; of runs that an ending environment drops, it frees the buffers itself.
  Napi::Value take(Napi::Env env);

 private:
  napi_ref buffers_ = nullptr;
  std::vector<PagesAhead::Memory> memories_;
};

}  // namespace octavo
