/** Maps. */

/** A copy of one's own. The constructor of Map would take an array of two for each entry, and leave it as garbage. */
export function copyMap<K, V>(map: ReadonlyMap<K, V>): Map<K, V> {
  const copy = new Map<K, V>();
  map.forEach((value, key) => {
    copy.set(key, value);
  });
  return copy;
}
