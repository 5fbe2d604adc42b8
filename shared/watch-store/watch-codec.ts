import { lostWatch, Watch, type WatchKey } from "../domain/health/watch.ts";
import { read, readJson } from "../domain/text/schema.ts";

/** A watch as JSON. */
export function encodeWatch(watch: Watch): string {
  return JSON.stringify(watch);
}

/** The watch of a stored text at its lock. One that can't be read has seen nothing for so long that it begins anew. */
export function decodeWatch(key: WatchKey, lock: number, text: string): Watch {
  const json = readJson(text);
  const watch = json.ok ? read(Watch, json.value) : json;
  const { component, alias, version } = key;
  const known = watch.ok ? watch.value : lostWatch(key);
  return { ...known, component, alias, version, lock };
}
