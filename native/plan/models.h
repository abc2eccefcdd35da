// What all plans of a model share, and models that all threads of a process share: worker threads
// that load one file hold its weights once.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
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

// A model that was opened, until somebody needs it: what there is to share is found by reading all
// of the constants, which the thread that prepares the first plan does. Thread-safe.
class OpenedModel {
 public:
  OpenedModel(size_t bytes, Isa isa, std::string kernel)
      : bytes_(bytes), isa_(isa), kernel_(std::move(kernel)) {}

  // The model; it has `parts` for constants, if this is the first call. Throws std::bad_alloc.
  std::shared_ptr<Model> get(const std::vector<ConstantPart>& parts);
  // The model, if it was needed already. Never waits.
  const Model* found() const { return found_.load(std::memory_order_acquire); }

 private:
  const size_t bytes_;
  const Isa isa_;
  const std::string kernel_;
  std::mutex mutex_;
  std::shared_ptr<Model> model_;
  std::atomic<const Model*> found_{nullptr};
};

}  // namespace octavo
