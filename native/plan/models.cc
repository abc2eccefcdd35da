#include "native/plan/models.h"

#include <cstring>
#include <mutex>
#include <unordered_map>

namespace octavo {
namespace {

struct Registry {
  std::mutex mutex;
  std::unordered_multimap<uint64_t, std::weak_ptr<Model>> models;
};

// Never destroyed: threads may outlive static objects.
Registry& registry() {
  static Registry* const registry = new Registry;
  return *registry;
}

// Only finds candidates, whose bytes are compared.
uint64_t hashOf(const uint8_t* data, size_t bytes) {
  uint64_t hash = bytes;
  const auto mix = [&hash](uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  };
  size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    uint64_t word;
    std::memcpy(&word, data + at, 8);
    mix(word);
  }
  for (; at < bytes; ++at) mix(data[at]);
  return hash;
}

bool isSame(const Model& model, const uint8_t* constants, size_t bytes, Isa isa,
            const std::string& kernel) {
  return model.isa == isa && model.kernel == kernel && model.constants.bytes() == bytes &&
         (bytes == 0 || std::memcmp(model.constants.data(), constants, bytes) == 0);
}

}  // namespace

std::shared_ptr<Model> shareModel(const uint8_t* constants, size_t bytes, Isa isa,
                                  const std::string& kernel) {
  const uint64_t hash = hashOf(constants, bytes);
  auto& [mutex, models] = registry();
  std::lock_guard<std::mutex> lock(mutex);
  for (auto [at, end] = models.equal_range(hash); at != end;) {
    const std::shared_ptr<Model> model = at->second.lock();
    if (model == nullptr) {
      at = models.erase(at);
    } else if (isSame(*model, constants, bytes, isa, kernel)) {
      return model;
    } else {
      ++at;
    }
  }
  auto model = std::make_shared<Model>();
  model->isa = isa;
  model->kernel = kernel;
  model->constants = AlignedBuffer(bytes);
  if (bytes > 0) std::memcpy(model->constants.data(), constants, bytes);
  models.emplace(hash, model);
  return model;
}

}  // namespace octavo
