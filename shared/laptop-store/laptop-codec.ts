import { InboxItem } from "../domain/deliveries/inbox-item.ts";
import { LaptopLease } from "../domain/routing/laptop-lease.ts";
import { read, readJson } from "../domain/text/schema.ts";

/**
 * The lease of a stored text. One that can't be read has lapsed and is nobody's: what waits for it is decided again, and
 * whoever listens next takes it by its lock.
 */
export function decodeLease(text: string, key: Pick<LaptopLease, "component" | "alias" | "lock">): LaptopLease {
  const json = readJson(text);
  const lease = json.ok ? read(LaptopLease, json.value) : json;
  return lease.ok ? lease.value : { ...key, session: "", owner: "unknown", until: new Date(0).toISOString() };
}

/** The item of a stored text; undefined for one that can't be read: its delivery is tried again after its deadline. */
export function decodeItem(text: string): InboxItem | undefined {
  const json = readJson(text);
  const item = json.ok ? read(InboxItem, json.value) : json;
  return item.ok ? item.value : undefined;
}
