import type { Item } from "../dynamodb/dynamodb-batches.ts";

type Listing<T> = AsyncGenerator<T[]>;
type Head<T> = { page: T[]; at: number; rest: Listing<T>; following?: Promise<Head<T> | undefined> };

/**
 * Merges listings that are each in the order of their sort keys. All of them are read at once. A page's follower is asked
 * for when the page's first item has been taken and another one is wanted: it is there by the time that it is needed, and
 * a listing that only waits for its turn holds one page.
 */
export async function* inOrder<T extends Pick<Item, "sk">>(listings: readonly Listing<T>[]): AsyncGenerator<T> {
  let heads = present(await Promise.all(listings.map(nextPage)));
  for (;;) {
    const [first, ...others] = heads;
    if (first === undefined) return;
    const least = others.reduce((best, head) => (sortKey(head) < sortKey(best) ? head : best), first);
    const item = least.page[least.at];
    if (item !== undefined) yield item;
    least.at += 1;
    least.following ??= begun(nextPage(least.rest));
    if (least.at < least.page.length) continue;
    const following = await least.following;
    heads = present(heads.map((head) => (head === least ? following : head)));
  }
}

/** Its turn may never come. When it does, the error is met there. */
function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

/** The next page that has something on it. */
async function nextPage<T>(rest: Listing<T>): Promise<Head<T> | undefined> {
  for (;;) {
    const { value, done } = await rest.next();
    if (done === true) return undefined;
    if (value.length > 0) return { page: value, at: 0, rest };
  }
}

function present<T>(heads: readonly (Head<T> | undefined)[]): Head<T>[] {
  return heads.filter((head) => head !== undefined);
}

function sortKey<T extends Pick<Item, "sk">>({ page, at }: Head<T>): string {
  return page[at]?.sk ?? "";
}

/** One listing after the other, each begun when it is at most `ahead` away. */
export async function* aheadOf<K, T>(
  keys: Iterable<K>,
  ahead: number,
  begin: (key: K) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const waiting: { listing: AsyncGenerator<T>; first: Promise<IteratorResult<T>> }[] = [];
  const next = (key: K) => {
    const listing = begin(key);
    waiting.push({ listing, first: begun(listing.next()) });
  };
  const later = keys[Symbol.iterator]();
  for (;;) {
    while (waiting.length < ahead) {
      const { value, done } = later.next();
      if (done === true) break;
      next(value);
    }
    const one = waiting.shift();
    if (one === undefined) return;
    const { value, done } = await one.first;
    if (done === true) continue;
    yield value;
    yield* one.listing;
  }
}
