// The constants of a model: a block of memory in which tensors have their places, and of which only
// those are written that somebody reads while running. What is packed is read once, from wherever
// the caller has it, and takes no room here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "native/pack/buffer.h"
#include "native/pack/turn.h"
#include "native/plan/tensor.h"

namespace octavo {

// Some of a model's constants, as the caller holds them; no two have a byte in common.
struct ConstantPart {
  size_t offset;  // in the block, a multiple of kTensorAlignment
  size_t bytes;   // not 0
  const uint8_t* data;
  std::optional<Turn> moved;  // how all of them are, before anybody reads them

  // Writes them as they are read.
  void write(Isa isa, uint8_t* to) const;
};

// Shared by all plans of a model, which may be prepared and run by several threads at once.
class ModelConstants {
 public:
  // Places for `bytes`, kTensorSlack included.
  explicit ModelConstants(size_t bytes) : block_(bytes) {}

  const uint8_t* data() const { return block_.data(); }
  size_t bytes() const { return block_.bytes(); }
  // Bytes that take up memory.
  size_t keptBytes() const;
  // Whether these bytes lie in parts that were kept.
  bool keeps(size_t offset, size_t bytes) const;
  // Writes a part into its place, unless it is there.
  void keep(const ConstantPart& part, Isa isa);

 private:
  AlignedBuffer block_;
  mutable std::mutex mutex_;
  std::map<size_t, size_t> kept_;  // bytes by offset
  size_t keptBytes_ = 0;
};

// The constants of a model while a thread prepares steps of a plan: what was kept, and the parts
// that the caller still has, by offset.
class ConstantSource {
 public:
  ConstantSource(ModelConstants& constants, const std::vector<ConstantPart>& parts, Isa isa)
      : constants_(constants), parts_(parts), isa_(isa) {}

  size_t bytes() const { return constants_.bytes(); }
  // Whether a tensor's data are to be had. The others must be asked for such tensors only.
  bool has(const TensorInfo& tensor) const;
  // Its data, where they are as long as the model is. 64-byte aligned, with kTensorSlack readable
  // bytes behind them.
  const uint8_t* keep(const TensorInfo& tensor);
  // Its data until forget() is called; neither of the above holds.
  const uint8_t* peek(const TensorInfo& tensor);
  void forget() { turnedCount_ = 0; }

 private:
  const ConstantPart* find(const TensorInfo& tensor) const;
  const uint8_t* dataOf(const ConstantPart& part);

  ModelConstants& constants_;
  const std::vector<ConstantPart>& parts_;
  const Isa isa_;
  // Parts that were turned for those who peek; their memory serves again.
  std::vector<AlignedBuffer> turned_;
  size_t turnedCount_ = 0;
};

}  // namespace octavo
