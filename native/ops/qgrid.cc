// QConv whose rows lie in grids. Outputs whose windows lie inside of the input in the same way are
// a rectangle: a grid of rows that sum up the same taps, those inside. What padding would add is in
// the bias. So padding is neither read nor multiplied, and no pointers are made.
//
// Where rows of the window are whole taps (few channels) and reach beyond the input, a tap can't be
// cut, and where tiles are of many rows, those of narrow rectangles cost more than padding does:
// lines of images are then copied, with the padding beside them, a strip at a time.
#include <algorithm>
#include <cstring>

#include "native/ops/parts.h"
#include "native/ops/qconv.h"
#include "native/ops/spans.h"

namespace octavo {
namespace {

// How many rows are worth a call.
constexpr size_t kFewRows = 96;

struct Axis {
  WindowAxis window;
  size_t inputStep, outputStep;  // bytes from one place to the next
  std::vector<Span> spans;
};

TapRange tapsOf(const Span& rows, const Span& columns) {
  return {rows.firstCell, rows.endCell, columns.firstCell, columns.endCell};
}

// Panels [first, last), of which the one behind may be fetched if it lies before `ahead`.
struct PanelRange {
  size_t first, last, ahead;
};

class QGridStep final : public PreparedStep {
 public:
  explicit QGridStep(QProduct&& from) : product(std::move(from)) {}

  QProduct product;
  int64_t batch = 1;
  size_t imageBytes = 0;
  Axis h{}, w{};
  // Lines are copied: w describes the copy, this what is copied.
  bool copies = false;
  WindowAxis fromW{};
  size_t pixelBytes = 0;
  uint8_t padding = 0;                           // where the zero point is not computed
  size_t strip = 0, strips = 0, panelParts = 0;  // a strip is of lines: outputs along h
  // Parts with the same share of the panels follow each other, not those of the same strip: the
  // weights are more than the input and than a cache keeps beside it, and are fetched once.
  bool sharesLast = false;

  // Of kSmall and several taps: DotArgs::order, counted from the window's first tap on.
  std::vector<uint32_t> order;

  // In front of a copy: the line of output that it begins at, of all images, plus 1.
  static constexpr size_t kCopyHead = 64;
  static size_t& copied(uint8_t* scratch) { return *reinterpret_cast<size_t*>(scratch); }

  void orderQuads();
  void cut();
  size_t scratchBytes() const override;
  void run(const RunContext& context) const override;

 private:
  size_t tapAt(size_t tap) const;
  size_t sharesFor(const Team& team) const;
  void runPart(const RunContext& context, size_t part, size_t shares, uint8_t* scratch) const;
  Span linesUnder(int64_t begin, int64_t end) const;
  const uint8_t* copyLines(const uint8_t* image, int64_t begin, int64_t end, uint8_t zero,
                           bool isThere, uint8_t* copy) const;
  void runLines(const DotArgs& base, const QTermValues& values, const uint8_t* image, int64_t begin,
                int64_t end, const PanelRange& range, uint8_t* y) const;
  void runRectangle(const uint8_t* image, size_t panel, const Span& rows, const Span& columns,
                    DotArgs args) const;
};

// Chooses strips and shares by size alone, so that results don't depend on the number of threads.
void QGridStep::cut() {
  const auto lines = static_cast<size_t>(batch * h.window.output);
  const auto width = static_cast<size_t>(w.window.output);
  // What an output adds to the bytes that are touched: windows wider than their stride overlap.
  const auto pixels = static_cast<size_t>(std::min(h.window.stride, h.window.kernel) *
                                          std::min(w.window.stride, w.window.kernel));
  const size_t rowBytes = pixels * pixelBytes + product.columns() * product.elementBytes();
  const double work = static_cast<double>(lines * width) *
                      static_cast<double>(product.layout.taps * product.layout.depth) *
                      static_cast<double>(product.columns());
  const size_t parts = productParts(work, product.isa);
  const size_t least = divideUp(kFewRows, std::max<size_t>(width, 1));
  const size_t most = std::max(stripBytes() / std::max<size_t>(rowBytes * width, 1), least);
  const size_t even = std::max(divideUp(lines, parts), least);
  strip = std::max<size_t>(std::min({most, even, lines}), 1);
  strips = divideUp(lines, strip);
  strip = divideUp(lines, std::max<size_t>(strips, 1));
  panelParts = std::min(product.panels(), divideUp(parts, std::max<size_t>(strips, 1)));
  sharesLast = !copies && product.weightBytes() >
                              std::max(static_cast<size_t>(batch) * imageBytes, stripBytes());
}

// Bytes from the first tap of a window.
size_t QGridStep::tapAt(size_t tap) const {
  const auto columns = static_cast<size_t>(w.window.kernel);
  return tap / columns * h.inputStep * static_cast<size_t>(h.window.dilation) +
         tap % columns * w.inputStep * static_cast<size_t>(w.window.dilation);
}

void QGridStep::orderQuads() {
  if (product.layout.taps == 1) return;
  order.resize(product.quads());
  const uint32_t* inTaps = product.base.order;
  for (size_t panel = 0; panel < product.panels(); ++panel) {
    const QuadSpan* spans = product.spansOf(panel);
    for (size_t tap = 0; spans != nullptr && tap < product.layout.taps; ++tap) {
      const auto from = static_cast<uint32_t>(tapAt(tap));
      const auto place = [&](uint32_t q) { order[q] = inTaps[q] + from; };
      for (uint32_t q = spans[tap].two; q < spans[tap + 1].two; ++q) place(q);
      for (uint32_t q = spans[tap].one; q < spans[tap + 1].one; ++q) place(q);
    }
  }
}

// Lines of the input under lines [begin, end) of the output.
Span QGridStep::linesUnder(int64_t begin, int64_t end) const {
  const WindowAxis& lines = h.window;
  const int64_t first = std::max<int64_t>(lines.origin(begin), 0);
  const int64_t last = lines.origin(end - 1) + (lines.kernel - 1) * lines.dilation + 1;
  return {first, std::max<int64_t>(std::min(last, lines.input) - first, 0), 0, 0};
}

size_t QGridStep::scratchBytes() const {
  if (!copies) return 0;
  const WindowAxis& lines = h.window;
  const int64_t most =
      (static_cast<int64_t>(strip) - 1) * lines.stride + (lines.kernel - 1) * lines.dilation + 1;
  return kCopyHead + static_cast<size_t>(std::min(most, lines.input)) * h.inputStep + kTensorSlack;
}

void QGridStep::run(const RunContext& context) const {
  for (size_t worker = 0; copies && worker < context.team.size(); ++worker) {
    copied(context.scratchOf(worker)) = 0;
  }
  const size_t shares = sharesFor(context.team);
  context.team.forEach(strips * shares, [&](size_t part, size_t worker) {
    runPart(context, part, shares, context.scratchOf(worker));
  });
}

// Shares of the panels. A thread that has all of them to itself takes as many as it can multiply
// together.
size_t QGridStep::sharesFor(const Team& team) const {
  if (team.size() > 1 || product.base.order == nullptr) return panelParts;
  return std::min(panelParts, divideUp(product.weightBytes(), togetherBytes()));
}

void QGridStep::runPart(const RunContext& context, size_t part, size_t shares,
                        uint8_t* scratch) const {
  const size_t number = sharesLast ? part % strips : part / shares;
  const size_t share = sharesLast ? part / strips : part % shares;
  const size_t panels = product.panels();
  PanelRange range{panels * share / shares, panels * (share + 1) / shares, 0};
  // What comes next on this thread, as far as it is known.
  const bool goesOn = context.team.size() == 1 && (!sharesLast || number + 1 == strips);
  range.ahead = goesOn ? panels : range.last;
  DotArgs base = product.argsOf(context);
  const QTermValues values = valuesOf(product.terms, context);
  const uint8_t zero = product.terms.computesZero ? static_cast<uint8_t>(values.xZero) : padding;
  const int64_t height = h.window.output;
  const auto end = std::min(static_cast<int64_t>((number + 1) * strip), batch * height);
  for (auto line = static_cast<int64_t>(number * strip); line < end;) {
    const int64_t at = line / height, first = line % height;
    const int64_t last = std::min(first + end - line, height);
    const uint8_t* image = context.in<uint8_t>(product.x) + static_cast<size_t>(at) * imageBytes;
    uint8_t* y = context.out<uint8_t>(product.y) + static_cast<size_t>(at * height) * h.outputStep;
    if (copies) {
      const auto number = static_cast<size_t>(line) + 1;
      image = copyLines(image, first, last, zero, copied(scratch) == number, scratch + kCopyHead);
      copied(scratch) = number;
    }
    if (values.pixelScales != nullptr) {
      base.rowScale = values.pixelScales + static_cast<size_t>(at * height * w.window.output);
    }
    runLines(base, values, image, first, last, range, y);
    line += last - first;
  }
}

// The input under lines [begin, end) of the output, with the padding beside it; `isThere` from a
// part before. Returns where line 0 would be.
const uint8_t* QGridStep::copyLines(const uint8_t* image, int64_t begin, int64_t end, uint8_t zero,
                                    bool isThere, uint8_t* copy) const {
  const auto pad = static_cast<size_t>(fromW.pad) * pixelBytes;
  const size_t lineBytes = static_cast<size_t>(fromW.input) * pixelBytes;
  const size_t taken = std::min(lineBytes, h.inputStep - std::min(pad, h.inputStep));
  const Span lines = linesUnder(begin, end);
  const size_t left = std::min(pad, h.inputStep), right = h.inputStep - left - taken;
  uint8_t* to = copy;
  for (int64_t line = lines.begin; line < lines.end() && !isThere; ++line, to += h.inputStep) {
    std::memset(to, zero, left);
    std::memcpy(to + left, image + static_cast<size_t>(line) * lineBytes, taken);
    std::memset(to + left + taken, zero, right);
  }
  return copy - static_cast<size_t>(lines.begin) * h.inputStep;
}

void QGridStep::runLines(const DotArgs& base, const QTermValues& values, const uint8_t* image,
                         int64_t begin, int64_t end, const PanelRange& range, uint8_t* y) const {
  const auto all = static_cast<size_t>((end - begin) * w.window.output);
  for (size_t panel = range.first, next; panel < range.last; panel = next) {
    DotArgs args = base;
    QTermTables tables;
    args.panels = product.panelsTogether(panel, range.last);
    next = panel + args.panels;
    product.enter(panel, y, values, &tables, &args);
    size_t bias = 0, done = 0;
    for (const Span& lines : h.spans) {
      const Span rows = cutSpan(lines, begin, end);
      for (const Span& columns : w.spans) {
        const size_t number = bias++;
        if (rows.outputs == 0) continue;
        args.bias = product.biasOf(panel, number, values, &tables);
        // Pixels with scales of their own must follow each other.
        const bool follow = columns.outputs == w.window.output || values.pixelScales == nullptr;
        const int64_t lineCount = follow ? rows.outputs : 1;
        for (int64_t line = rows.begin; line < rows.end(); line += lineCount) {
          const Span part = cutSpan(rows, line, line + lineCount);
          args.rows = static_cast<size_t>(part.outputs * columns.outputs);
          // A share of the next panel for each.
          if (next < range.ahead && product.fetchesAhead()) {
            const size_t count = product.panelsTogether(next, range.ahead);
            const size_t bytes = product.panelBytes(next, count) / 64 * 64;
            const size_t from = bytes * done / all, to = bytes * (done + args.rows) / all;
            args.ahead = product.weightsOf(next) + from;
            args.aheadBytes = to - from;
          }
          done += args.rows;
          runRectangle(image, panel, part, columns, args);
        }
      }
    }
  }
}

void QGridStep::runRectangle(const uint8_t* image, size_t panel, const Span& rows,
                             const Span& columns, DotArgs args) const {
  const auto along = [](const Axis& axis, int64_t places) {
    return static_cast<size_t>(places) * axis.inputStep;
  };
  const auto firstOf = [&](const Axis& axis, const Span& span) {
    return along(axis, axis.window.origin(span.begin) + span.firstCell * axis.window.dilation);
  };
  const WindowAxis &down = h.window, &right = w.window;
  RowGrid grid{};
  grid.first = image + product.groupOf(panel) * product.layout.depth;
  const TapRange taps = tapsOf(rows, columns);
  args.taps = taps.taps();
  // A window on padding alone begins nowhere.
  if (args.taps > 0) grid.first += firstOf(h, rows) + firstOf(w, columns);
  const size_t place = static_cast<size_t>(rows.begin) * h.outputStep +
                       static_cast<size_t>(columns.begin) * w.outputStep;
  args.y = static_cast<uint8_t*>(args.y) + place;
  if (args.rowScale != nullptr) args.rowScale += place / product.base.yStride;
  grid.lineRows = static_cast<size_t>(columns.outputs);
  grid.rowStride = along(w, right.stride);
  grid.lineStride = along(h, down.stride);
  grid.yLineStride = h.outputStep;
  args.yStride = w.outputStep;
  if (columns.outputs == 1) {
    grid.lineRows = args.rows;
    grid.rowStride = grid.lineStride;
    args.yStride = h.outputStep;
  }
  const DotKernel& kernel = product.kernelOf(panel);
  const size_t tapBytes = product.tapBytes(kernel);
  grid.runTaps = static_cast<size_t>(taps.endW - taps.firstW);
  grid.tapStride = along(w, right.dilation);
  grid.runStride = along(h, down.dilation);
  grid.tapSkip = static_cast<size_t>(right.kernel) - grid.runTaps;
  grid.weightSkip = grid.tapSkip * tapBytes;
  const auto firstTap = static_cast<size_t>(taps.firstH * right.kernel + taps.firstW);
  if (args.spans == nullptr) {
    args.weights += firstTap * tapBytes;
  } else {
    args.spans += firstTap;
    if (!order.empty()) args.order = order.data();
    // As a number: the window's first tap may lie outside.
    const auto first = reinterpret_cast<uintptr_t>(grid.first) - tapAt(firstTap);
    grid.first = reinterpret_cast<const uint8_t*>(first);
  }
  args.grid = &grid;
  kernel.run(args);
}

// Places along w that the windows reach over, padding included.
int64_t reachOf(const WindowAxis& w) {
  return (w.output - 1) * w.stride + (w.kernel - 1) * w.dilation + 1;
}

bool liesInside(const WindowAxis& w) { return w.pad == 0 && reachOf(w) <= w.input; }

// Sets the step's axes to go through a copy in which all windows lie inside along w, their rows
// being taps if `rows`.
void copyFrom(const Window& window, bool rows, QGridStep* step) {
  step->copies = true;
  step->fromW = window.w;
  WindowAxis& w = step->w.window;
  w.pad = 0;
  w.input = reachOf(w);
  step->h.inputStep = static_cast<size_t>(w.input * window.channels);
  if (rows) w.kernel = 1;
}

// Whether a copy is worth its while: where windows reach beyond the input, but not far. Kernels of
// small quads gain by it, for their tiles are narrow.
bool isWorthCopying(const QProduct& product, const WindowAxis& w) {
  return product.base.order != nullptr && w.kernel > 1 && spansOf(w).size() > 1 &&
         reachOf(w) <= 2 * w.input;
}

}  // namespace

std::unique_ptr<PreparedStep> makeQGrid(QProduct&& product, const QConvOperands& from,
                                        const QConvParams& params, const RowPointers& gather) {
  auto step = std::make_unique<QGridStep>(std::move(product));
  const Window& window = gather.window;
  const auto channels = static_cast<size_t>(window.channels);
  const size_t yBytes = step->product.base.yStride;
  step->batch = from.y->count == 0 ? 0 : window.batch;
  step->pixelBytes = channels;
  step->padding = static_cast<uint8_t>(params.xZero);
  step->imageBytes = static_cast<size_t>(window.h.input * window.w.input) * channels;
  step->h = {window.h,
             static_cast<size_t>(window.w.input) * channels,
             static_cast<size_t>(window.w.output) * yBytes,
             {}};
  step->w = {window.w, channels, yBytes, {}};
  const bool rows = gather.form == TapForm::kRow;
  if (rows && liesInside(window.w)) {
    step->w.window.kernel = 1;
  } else if (step->batch > 0 && (rows || isWorthCopying(step->product, window.w))) {
    copyFrom(window, rows, step.get());
  }
  // A picture of one line is cut along it.
  if (step->batch * window.h.output == 1 && step->h.window.kernel == 1 && !step->copies) {
    std::swap(step->h, step->w);
  }
  for (Axis* axis : {&step->h, &step->w}) axis->spans = spansOf(axis->window);
  const auto tapColumns = static_cast<size_t>(step->w.window.kernel);
  for (const Span& rows : step->h.spans) {
    for (const Span& columns : step->w.spans) {
      step->product.addBias(from, params.xZero, tapsOf(rows, columns), tapColumns);
    }
  }
  step->orderQuads();
  step->cut();
  return step;
}

}  // namespace octavo
