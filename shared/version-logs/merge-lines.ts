import type { LogLine } from "./version-logs.ts";

/** What several logs have, oldest first; each is in order by itself. Nothing is held but the next line of each. */
export async function* merged(sources: readonly AsyncIterable<LogLine>[]): AsyncGenerator<LogLine> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map(next));
    for (;;) {
      let first = -1;
      heads.forEach((head, index) => {
        const best = heads[first];
        if (head !== undefined && (best === undefined || head.at < best.at)) first = index;
      });
      const [line, iterator] = [heads[first], iterators[first]];
      if (line === undefined || iterator === undefined) return;
      yield line;
      heads[first] = await next(iterator);
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()));
  }
}

async function next(iterator: AsyncIterator<LogLine>): Promise<LogLine | undefined> {
  const { done, value } = await iterator.next();
  return done ? undefined : value;
}
