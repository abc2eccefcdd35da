// What all plans of a model share, and models that all threads of a process share: worker threads
// that load one file hold its weights once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "native/cpu/isa.h"
#include "native/pack/store.h"
#include "native/plan/constants.h"
#include "native/plan/digest.h"

namespace octavo {

struct Model {
  explicit Model(size_t constantBytes) : constants(constantBytes) {}

  ModelConstants constants;
  Isa isa;
  std::string kernel;  // that all plans are forced to, or empty
  PackStore packs;
  Digest digest;  // of the constants

  // Bytes that its weights take up, as they are and packed.
  size_t bytes() const { return constants.keptBytes() + packs.bytes(); }
};

// The model with these constants, in a block of `bytes`, on this instruction set: one that is still
// in use anywhere in the process, else a new one that holds none of them yet. Throws
// std::bad_alloc.
std::shared_ptr<Model> shareModel(const std::vector<ConstantPart>& parts, size_t bytes, Isa isa,
                                  const std::string& kernel);

}  // namespace octavo
