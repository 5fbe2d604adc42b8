/** From 0 (inclusive) to 1 (exclusive), the same for the same name. */
export type Chance = (name: string) => number;

/**
 * Chance by name: what is drawn for one thing doesn't depend on what was drawn before. So a scenario from which an event
 * or a fault has been taken still runs much as it did. FNV-1a over the name, then the finalizer of MurmurHash3.
 */
export function chanceOf(seed: number): Chance {
  const first = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  return (name) => {
    let hash = (0x811c9dc5 ^ first) >>> 0;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x85ebca6b);
    hash ^= hash >>> 13;
    hash = Math.imul(hash, 0xc2b2ae35);
    hash ^= hash >>> 16;
    return (hash >>> 0) / 2 ** 32;
  };
}

/** A whole number from `from` to `to`, both inclusive. */
export function between(chance: number, from: number, to: number): number {
  return from + Math.floor(chance * (to - from + 1));
}

/** From `from` to `to`, with every order of magnitude as likely as any other. */
export function magnitude(chance: number, from: number, to: number): number {
  return Math.floor(from * (to / from) ** chance);
}

/** One of the options, by weight. */
export function weighted<T>(chance: number, options: readonly (readonly [weight: number, value: T])[]): T {
  let left = chance * options.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, value] of options) {
    left -= weight;
    if (left < 0) return value;
  }
  throw new Error("nothing to choose from");
}
