/** The value at a path of keys; undefined where the path ends early. */
export function valueAt(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (here, key) => (typeof here === "object" && here !== null ? (here as Record<string, unknown>)[key] : undefined),
    value,
  );
}

/** The string at a path; undefined for anything else. */
export function textAt(value: unknown, ...path: string[]): string | undefined {
  const found = valueAt(value, ...path);
  return typeof found === "string" ? found : undefined;
}

/** The commit at a path, SHA-1 or SHA-256; undefined for the zeros that GitHub sends for "none". */
export function shaAt(value: unknown, ...path: string[]): string | undefined {
  const found = textAt(value, ...path);
  return found !== undefined && /^(?!0+$)([0-9a-f]{40}|[0-9a-f]{64})$/.test(found) ? found : undefined;
}

/** The time at a path, in milliseconds; GitHub sends ISO text, and whole seconds in a push's `repository`. */
export function millisecondsAt(value: unknown, ...path: string[]): number | undefined {
  const found = valueAt(value, ...path);
  const atMs = typeof found === "number" ? found * 1000 : typeof found === "string" ? Date.parse(found) : Number.NaN;
  return Number.isSafeInteger(atMs) ? atMs : undefined;
}
