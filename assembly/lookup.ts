/** Any function of one byte, as a table of its 256 values. */

export function lookup(x: usize, table: usize, y: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const bytes = load<u32>(x + i);
    const low =
      load<u8>(table + (bytes & 255)) | ((<u32>load<u8>(table + ((bytes >> 8) & 255))) << 8);
    const high =
      load<u8>(table + ((bytes >> 16) & 255)) | ((<u32>load<u8>(table + (bytes >> 24))) << 8);
    store<u32>(y + i, low | (high << 16));
  }
  for (; i < count; i++) store<u8>(y + i, load<u8>(table + load<u8>(x + i)));
}
