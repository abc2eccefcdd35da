/** What suites that compare answers share. */

/** Feeds of the first `count` samples of a task, whose samples may give whole feeds themselves. */
export function* feedsOf(task, samples, count) {
  for (let i = 0; i < count; i++) {
    yield samples.feeds?.(i) ?? {
      [task.input]: { type: 'float32', data: samples.input(i), dims: task.dims },
    };
  }
}

/** The last value in front of a final softmax that leads to `value`. */
export function logitsOf(graph, value) {
  let current = value;
  const producer = () => graph.nodes.find((node) => node.outputs[0] === current);
  while (['Softmax', 'Identity'].includes(producer()?.op)) current = producer().inputs[0];
  return current;
}

/** Where the greatest element lies, the first of equal ones. */
export function argmax(data) {
  let best = 0;
  for (let i = 1; i < data.length; i++) if (data[i] > data[best]) best = i;
  return best;
}
