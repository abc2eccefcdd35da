// Lookup: any function of one byte, as a table indexed by its bits.
#include "native/kernels/lookup/lookup.h"

#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 64 << 10;

class LookupStep final : public PreparedStep {
 public:
  TensorInfo x, table, y;
  const LookupKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kGrain, 64, [&](size_t begin, size_t end, size_t) {
      kernel->run({context.in<uint8_t>(x) + begin, context.in<uint8_t>(table),
                   context.out<uint8_t>(y) + begin, end - begin});
    });
  }
};

}  // namespace

Status prepareLookup(const StepView& step, const PrepareContext& context,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *table = inputAt(step, 1), *y = outputAt(step, 0);
  const auto isByte = [](const TensorInfo* tensor) {
    return isType(tensor, {DataType::kUint8, DataType::kInt8});
  };
  if (!isByte(x) || !isByte(y) || !isType(table, {DataType::kUint8})) {
    return badStep("x and y must be uint8 or int8, the table uint8");
  }
  if (x->count != y->count || table->count != 256) {
    return badStep("x and y must have equal lengths, the table 256 entries");
  }
  auto lookup = std::make_unique<LookupStep>();
  lookup->x = *x;
  lookup->table = *table;
  lookup->y = *y;
  lookup->kernel = &chooseLookup(context.isa);
  *prepared = std::move(lookup);
  return {};
}

}  // namespace octavo
