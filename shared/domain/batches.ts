/** What can be held at a time: batches of so many bytes at the most, by the sizes that are told; one item at the least. */
export function* batchesOf<Item>(
  items: Iterable<Item>,
  mostBytes: number,
  sizeOf: (item: Item) => number,
): Generator<Item[]> {
  let batch: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (batch.length > 0 && bytes + size > mostBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
