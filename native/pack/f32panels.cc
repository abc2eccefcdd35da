#include "native/pack/f32panels.h"

#include <algorithm>
#include <cstring>

#include "native/kernels/transpose/transpose.h"
#include "native/round.h"

namespace octavo {
namespace {

// Columns of all panels but the last one are a multiple of those of the kernel for so many, where
// that divides the widest one, and otherwise of the narrowest.
constexpr size_t kUnit = 16;

// Packs a panel behind whose columns nothing may be read, which is what transposing does.
void packLastPanel(const FloatPanel& panel, const FloatMatrix& matrix, size_t depth,
                   float* packed) {
  const auto width = static_cast<size_t>(panel.kernel->columns);
  const size_t reach = divideUp(kTensorSlack / sizeof(float), std::max<size_t>(depth, 1));
  const size_t behind = std::min(reach, panel.columns), columns = panel.columns - behind;
  const float* from = matrix.data + panel.column * matrix.columnStride;
  const TransposeKernel& transpose = chooseTranspose(panel.kernel->isa, sizeof(float));
  if (columns > 0) transpose.run({from, packed, matrix.columnStride, width, columns, depth});
  AlignedBuffer copy(behind * depth * sizeof(float));
  auto* rows = reinterpret_cast<float*>(copy.data());
  for (size_t i = 0; i < behind; ++i) {
    std::copy_n(from + (columns + i) * matrix.columnStride, depth, rows + i * depth);
  }
  transpose.run({rows, packed + columns, depth, width, behind, depth});
  for (size_t k = 0; k < depth; ++k) {
    std::fill(packed + k * width + panel.columns, packed + (k + 1) * width, 0.0f);
  }
}

}  // namespace

std::string FloatPanelLayout::form(size_t groups, FloatForm from) const {
  std::string text = from == FloatForm::kByColumn ? "f32dot by column" : "f32dot by depth";
  for (size_t n : {groups, columns, depth}) text += ' ' + std::to_string(n);
  if (panels.empty()) return text;
  // The rest of the cut follows from the first panel's kernel and the number of panels.
  return text + ' ' + std::to_string(panels.size()) + ' ' + panels[0].kernel->name;
}

FloatPanelLayout layoutFloatPanels(Isa isa, FloatDotElement element, size_t columns, size_t depth,
                                   const FloatDotKernel* forced) {
  const auto choose = [&](size_t wanted) -> const FloatDotKernel& {
    return forced == nullptr ? *chooseFloatDot(isa, element, wanted) : *forced;
  };
  FloatPanelLayout layout{columns, depth, 0, {}};
  const auto add = [&](size_t first, size_t end) {
    const FloatDotKernel& kernel = choose(end - first);
    layout.panels.push_back({&kernel, first, end - first, layout.weightCount});
    const size_t alignment = kTensorAlignment / sizeof(float);
    layout.weightCount +=
        divideUp(depth * static_cast<size_t>(kernel.columns), alignment) * alignment;
  };
  const auto widest = static_cast<size_t>(choose(SIZE_MAX).columns);
  const bool divides = widest % static_cast<size_t>(choose(kUnit).columns) == 0;
  const FloatDotKernel& one = choose(divides ? kUnit : 1);
  const auto unit = static_cast<size_t>(one.columns);
  // A few columns behind the last whole unit take a panel of their own, where there is a narrower
  // one. With narrower registers it would be as much work as in the others' panel.
  const size_t rest = columns % unit;
  const bool apart =
      rest > 0 && static_cast<size_t>(choose(rest).columns) < unit && choose(rest).isa == one.isa;
  const size_t body = apart ? columns - rest : columns;
  // As even as can be: two middling panels use the registers better than a wide and a narrow one.
  const size_t units = divideUp(body, unit), count = divideUp(body, widest);
  for (size_t i = 0; i < count; ++i) {
    add(units * i / count * unit, std::min(units * (i + 1) / count * unit, body));
  }
  if (apart) add(body, columns);
  return layout;
}

void packFloatPanel(const FloatPanel& panel, const FloatMatrix& matrix, size_t first, size_t end,
                    float* packed) {
  const auto width = static_cast<size_t>(panel.kernel->columns);
  const float* data = matrix.data + panel.column * matrix.columnStride + first * matrix.depthStride;
  const size_t depth = end - first;
  if (matrix.columnStride == 1) {
    for (size_t k = 0; k < depth; ++k) {
      std::memcpy(packed + k * width, data + k * matrix.depthStride, panel.columns * sizeof(float));
    }
  } else {
    // Columns are the rows of what is transposed.
    chooseTranspose(panel.kernel->isa, sizeof(float))
        .run({data, packed, matrix.columnStride, width, panel.columns, depth});
  }
  if (panel.columns == width) return;
  for (size_t k = 0; k < depth; ++k) {
    std::fill(packed + k * width + panel.columns, packed + (k + 1) * width, 0.0f);
  }
}

void packAnyPanels(const FloatPanelLayout& layout, size_t elementBytes, const void* data,
                   size_t columnStride, size_t depthStride, void* packed) {
  for (const FloatPanel& panel : layout.panels) {
    if (elementBytes == sizeof(float)) {
      const FloatMatrix matrix{static_cast<const float*>(data), columnStride, depthStride};
      float* to = static_cast<float*>(packed) + panel.weights;
      if (&panel == &layout.panels.back() && columnStride != 1) {
        packLastPanel(panel, matrix, layout.depth, to);
      } else {
        packFloatPanel(panel, matrix, 0, layout.depth, to);
      }
      continue;
    }
    const auto width = static_cast<size_t>(panel.kernel->columns);
    const auto* from = static_cast<const uint16_t*>(data) + panel.column * columnStride;
    auto* to = static_cast<uint16_t*>(packed) + panel.weights;
    for (size_t k = 0; k < layout.depth; ++k, from += depthStride, to += width) {
      for (size_t c = 0; c < panel.columns; ++c) to[c] = from[c * columnStride];
      std::fill(to + panel.columns, to + width, uint16_t{0});
    }
  }
}

AlignedBuffer pairDepths(const uint16_t* data, size_t columns, size_t depth, FloatForm form) {
  const size_t pairs = divideUp(depth, 2);
  AlignedBuffer paired(columns * pairs * 2 * sizeof(uint16_t));
  auto* to = reinterpret_cast<uint16_t*>(paired.data());
  if (form == FloatForm::kByColumn) {
    for (size_t c = 0; c < columns; ++c) std::copy_n(data + c * depth, depth, to + c * pairs * 2);
    return paired;
  }
  for (size_t k = 0; k < depth; ++k) {
    const uint16_t* from = data + k * columns;
    uint16_t* half = to + k / 2 * columns * 2 + k % 2;
    for (size_t c = 0; c < columns; ++c) half[2 * c] = from[c];
  }
  return paired;
}

const float* FloatWeights::at(size_t first, size_t count, float* scratch) const {
  if (widen == nullptr) return reinterpret_cast<const float*>(packed->data()) + first;
  widen->run({reinterpret_cast<const uint16_t*>(packed->data()) + first, scratch, count});
  return scratch;
}

const float* FloatWeights::ahead(size_t first) const {
  return widen == nullptr ? reinterpret_cast<const float*>(packed->data()) + first : nullptr;
}

const WidenKernel* chooseWiden(Isa isa, DataType type) {
  if (type == DataType::kFloat16) return &chooseWidenFloat16(isa);
  return type == DataType::kBfloat16 ? &chooseWidenBfloat16(isa) : nullptr;
}

}  // namespace octavo
