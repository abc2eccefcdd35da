// What all plans of a model share, and models that all threads of a process share: worker threads
// that load one file hold its weights once, packed ones too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "native/cpu/isa.h"
#include "native/pack/store.h"

namespace octavo {

struct Model {
  AlignedBuffer constants;
  Isa isa;
  std::string kernel;  // that all plans are forced to, or empty
  PackStore packs;
};

// The model with these constants on this instruction set: one that is still in use anywhere in the
// process if its bytes are the same, else a copy of them. Throws std::bad_alloc.
std::shared_ptr<Model> shareModel(const uint8_t* constants, size_t bytes, Isa isa,
                                  const std::string& kernel);

}  // namespace octavo
