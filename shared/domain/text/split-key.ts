/** The parts of a key such as `customer#acme`: what it is a key of, and the id, which may have a # of its own. */
export function splitKey<Kind extends string>(key: `${Kind}#${string}`): [kind: Kind, id: string] {
  const at = key.indexOf("#");
  return [key.slice(0, at) as Kind, key.slice(at + 1)];
}

/** `customer#acme` as people read it: `customer acme`. */
export function keyInWords(key: string): string {
  return key.replace("#", " ");
}
