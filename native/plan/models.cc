#include "native/plan/models.h"

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

Digest digestOf(const std::vector<ConstantPart>& parts) {
  Digest digest;
  for (const ConstantPart& part : parts) {
    digest.add(part.offset);
    digest.add(part.data, part.bytes);
    if (!part.moved.has_value()) continue;
    for (size_t n : {part.moved->batches, part.moved->rows, part.moved->columns}) digest.add(n);
  }
  return digest;
}

}  // namespace

std::shared_ptr<Model> shareModel(const std::vector<ConstantPart>& parts, size_t bytes, Isa isa,
                                  const std::string& kernel) {
  const Digest digest = digestOf(parts);
  auto& [mutex, models] = registry();
  std::lock_guard<std::mutex> lock(mutex);
  for (auto [at, end] = models.equal_range(digest.low()); at != end;) {
    const std::shared_ptr<Model> model = at->second.lock();
    if (model == nullptr) {
      at = models.erase(at);
    } else if (model->digest == digest && model->isa == isa && model->kernel == kernel &&
               model->constants.bytes() == bytes) {
      return model;
    } else {
      ++at;
    }
  }
  auto model = std::make_shared<Model>(bytes);
  model->isa = isa;
  model->kernel = kernel;
  model->digest = digest;
  models.emplace(digest.low(), model);
  return model;
}

std::shared_ptr<Model> OpenedModel::get(const std::vector<ConstantPart>& parts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (model_ == nullptr) {
    model_ = shareModel(parts, bytes_, isa_, kernel_);
    found_.store(model_.get(), std::memory_order_release);
  }
  return model_;
}

}  // namespace octavo
