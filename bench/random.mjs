/** Uniform numbers in [0, 1), the same for the same text. */
export function generator(text) {
  let state = 0x811c9dc5;
  for (const character of text) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/**
 * Numbers with mean 0 and standard deviation 1, by Box and Muller, from `uniform`. Weights are drawn like this: those of
 * trained networks are small but for a few too, and kernels of CPUs without a dot product instruction multiply such faster.
 */
export function normal(uniform) {
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
