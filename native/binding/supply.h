// Memory of JavaScript's that is about to be written.
#pragma once

#include <napi.h>

namespace octavo {

// supplyPages(memory: Uint8Array, begin: number, end: number): Promise<void>. Takes the pages of
// these bytes, see pack/supply.h, on another thread. Until it settles nobody may write to the
// memory or detach its buffer.
Napi::Value supplyPagesAside(const Napi::CallbackInfo& info);

}  // namespace octavo
