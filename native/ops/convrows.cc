#include "native/ops/convrows.h"

#include "native/ops/spans.h"

namespace octavo {
namespace {

// Lines that are shorter are copied where their ends would be rectangles of their own, and so are
// those of whose outputs one in so many lies at an end: tiles of three rows or less wait for their
// sums more than padding costs.
constexpr int64_t kNarrow = 10, kManyEnds = 8;

bool isNarrow(const WindowAxis& w) {
  int64_t alike = 0;
  for (const Span& span : spansOf(w)) alike = std::max(alike, span.outputs);
  const int64_t ends = w.output - alike;
  return ends > 0 && (w.output < kNarrow || ends * kManyEnds > w.output);
}

Range shared(const Range& a, const Range& b) {
  const size_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

Span partOf(const Span& span, const Range& range) {
  return cutSpan(span, static_cast<int64_t>(range.begin), static_cast<int64_t>(range.end));
}

Range cellsOf(const Span& span, size_t unit) {
  return {static_cast<size_t>(span.firstCell) * unit, static_cast<size_t>(span.endCell) * unit};
}

}  // namespace

Taps Taps::within(const Taps& other) const {
  return {shared(runs, other.runs), shared(taps, other.taps), shared(depth, other.depth)};
}

ConvRows::ConvRows(const Window& window, size_t groups, size_t channels)
    : from_(window), window_(window), channels_(static_cast<size_t>(window.channels)) {
  // Windows without channels sum up nothing, whatever their size.
  if (channels_ == 0) window_.h.kernel = window_.w.kernel = 1;
  if (window_.isIdentity()) {
    // One long row of pixels.
    window_.w.input = window_.w.output = window_.outputs();
    window_.h.input = window_.h.output = window_.batch = 1;
  }
  if (isNarrow(window_.w)) copyNarrow();
  runs = static_cast<size_t>(window_.h.kernel);
  runTaps = static_cast<size_t>(window_.w.kernel);
  depth = channels_ / groups;
  runStride = static_cast<size_t>(window_.h.dilation * window_.w.input) * channels_;
  tapStride = static_cast<size_t>(window_.w.dilation) * channels_;
  if (groups == 1 && window_.w.dilation == 1) {
    depth *= runTaps;
    runTaps = 1;
  }
  yLine = static_cast<size_t>(window_.w.output) * channels;
}

// Sets the window to go through copies that hold the padding left and right.
void ConvRows::copyNarrow() {
  copies_ = true;
  WindowAxis& w = window_.w;
  w.input = (w.output - 1) * w.stride + (w.kernel - 1) * w.dilation + 1;
  w.pad = 0;
}

size_t ConvRows::units() const {
  const auto lines = static_cast<size_t>(window_.batch * window_.h.output);
  return lines == 1 ? static_cast<size_t>(window_.w.output) : lines;
}

size_t ConvRows::unitRows() const {
  return window_.batch * window_.h.output == 1 ? 1 : static_cast<size_t>(window_.w.output);
}

bool ConvRows::hasEnds() const { return spansOf(window_.w).size() > 1; }

void ConvRows::cut(size_t strip) {
  const auto height = static_cast<size_t>(window_.h.output);
  const size_t total = units(), count = divideUp(total, strip);
  for (size_t i = 0; i < count; ++i) {
    firstOf_.push_back(rectangles_.size());
    const size_t begin = i * strip, end = std::min(total, begin + strip);
    mostRows_ = std::max(mostRows_, (end - begin) * unitRows());
    if (window_.batch * window_.h.output == 1) {
      addRectangles(0, {0, 1}, {begin, end});
    } else {
      for (size_t line = begin; line < end;) {
        const size_t first = line % height, last = std::min(height, first + end - line);
        addRectangles(static_cast<int64_t>(line / height), {first, last},
                      {0, static_cast<size_t>(window_.w.output)});
        line += last - first;
      }
    }
    size_t copied = 0;
    for (size_t r = firstOf_.back(); copies_ && r < rectangles_.size(); ++r) {
      copied += copiedLines(rectangles_[r]) * static_cast<size_t>(window_.w.input) * channels_;
    }
    copyFloats_ = std::max(copyFloats_, copied);
  }
  firstOf_.push_back(rectangles_.size());
}

// Those of an image's outputs in some lines and columns.
void ConvRows::addRectangles(int64_t image, const Range& lines, const Range& columns) {
  const WindowAxis &h = window_.h, &w = window_.w;
  const auto width = static_cast<size_t>(w.output);
  const size_t pixel = yLine / width;
  for (const Span& allDown : spansOf(h)) {
    const Span down = partOf(allDown, lines);
    for (const Span& allRight : spansOf(w)) {
      const Span right = partOf(allRight, columns);
      if (down.outputs == 0 || right.outputs == 0) continue;
      Rectangle rectangle{};
      rectangle.lines = static_cast<size_t>(down.outputs);
      rectangle.lineRows = static_cast<size_t>(right.outputs);
      const bool column = rectangle.lineRows == 1;
      const bool whole = column || rectangle.lineRows == width;
      rectangle.calls = whole ? 1 : rectangle.lines;
      rectangle.rows = rectangle.lines * rectangle.lineRows / rectangle.calls;
      rectangle.yStride = column ? yLine : pixel;
      rectangle.y = (static_cast<size_t>(image * h.output + down.begin) * width +
                     static_cast<size_t>(right.begin)) *
                    pixel;
      rectangle.image = image;
      rectangle.down = down.begin;
      rectangle.right = right.begin;
      const size_t cell = depth / static_cast<size_t>(w.kernel);
      rectangle.inside = {cellsOf(down, 1), cellsOf(right, 1), {0, depth}};
      if (runTaps == 1) rectangle.inside = {cellsOf(down, 1), {0, 1}, cellsOf(right, cell)};
      rectangles_.push_back(rectangle);
    }
  }
}

size_t ConvRows::calls(size_t strip) const {
  size_t count = 0;
  for (const Rectangle* one = begin(strip); one != end(strip); ++one) count += one->calls;
  return count;
}

const float* const* ConvRows::pointRows(const float* x, size_t strip, uint8_t* scratch) const {
  const WindowAxis &h = window_.h, &w = window_.w;
  auto* const rows = reinterpret_cast<const float**>(scratch);
  auto* copy = reinterpret_cast<float*>(scratch + pointerBytes());
  const auto channels = static_cast<int64_t>(channels_);
  const int64_t line = w.input * channels, right = w.stride * channels, down = h.stride * line;
  const float** next = rows;
  for (const Rectangle* one = begin(strip); one != end(strip); ++one) {
    const float* first = x;
    // A window on padding alone begins nowhere.
    if (one->inside.count() > 0) {
      const int64_t cells = runTaps == 1 ? static_cast<int64_t>(one->inside.depth.begin) / channels
                                         : static_cast<int64_t>(one->inside.taps.begin);
      const int64_t iw = w.origin(one->right) + cells * w.dilation;
      if (copies_) {
        copyLines(x, *one, copy);
        first = copy + iw * channels;
        copy += static_cast<int64_t>(copiedLines(*one)) * line;
      } else {
        const auto run = static_cast<int64_t>(one->inside.runs.begin);
        const int64_t ih = h.origin(one->down) + run * h.dilation;
        first += ((one->image * h.input + ih) * w.input + iw) * channels;
      }
    }
    for (size_t l = 0; l < one->lines; ++l, first += down) {
      const float* row = first;
      for (size_t r = 0; r < one->lineRows; ++r, row += right) *next++ = row;
    }
  }
  return rows;
}

// Lines of input under those of a rectangle.
size_t ConvRows::copiedLines(const Rectangle& rectangle) const {
  const auto lines = static_cast<int64_t>(rectangle.lines);
  const auto runs = static_cast<int64_t>(rectangle.inside.runs.size());
  if (runs == 0) return 0;
  return static_cast<size_t>((lines - 1) * window_.h.stride + (runs - 1) * window_.h.dilation + 1);
}

// Copies them, with what is padding left and right of them.
void ConvRows::copyLines(const float* x, const Rectangle& rectangle, float* copy) const {
  const WindowAxis &h = from_.h, &w = from_.w;
  const auto channels = static_cast<int64_t>(channels_);
  const int64_t first =
      h.origin(rectangle.down) + static_cast<int64_t>(rectangle.inside.runs.begin) * h.dilation;
  const int64_t pad = std::min(w.pad, window_.w.input);
  const int64_t taken = std::min(w.input, window_.w.input - pad);
  const size_t lines = copiedLines(rectangle);
  for (size_t i = 0; i < lines; ++i, copy += window_.w.input * channels) {
    const int64_t at = (rectangle.image * h.input + first + static_cast<int64_t>(i)) * w.input;
    float* end = std::fill_n(copy, pad * channels, 0.0f);
    end = std::copy_n(x + at * channels, taken * channels, end);
    std::fill(end, copy + window_.w.input * channels, 0.0f);
  }
}

}  // namespace octavo
