/** What several logs have, oldest first; each is in order by itself. Nothing is held but the next line of each. */
export async function* merged<L extends { at: Date }>(sources: readonly AsyncIterable<L>[]): AsyncGenerator<L> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
    for (;;) {
      let first = -1;
      let line: L | undefined;
      heads.forEach(({ done, value }, index) => {
        if (done || (line !== undefined && line.at <= value.at)) return;
        [first, line] = [index, value];
      });
      const iterator = iterators[first];
      if (line === undefined || iterator === undefined) return;
      yield line;
      heads[first] = await iterator.next();
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()));
  }
}
