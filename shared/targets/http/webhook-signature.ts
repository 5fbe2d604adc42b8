import { createHmac } from "node:crypto";

/** What a secret of Standard Webhooks begins with; the rest is base64. */
const PREFIX = "whsec_";

/** Fewest and most bytes of a key (Standard Webhooks, "Signature scheme"). */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

/** Reads secrets with spaces between them. @throws Error that doesn't tell what stands there */
export function signingKeys(text: string): Buffer[] {
  const keys = text.split(/\s+/).filter((part) => part !== "");
  if (keys.length === 0) throw new Error("it is empty");
  return keys.map((key, index) => {
    const which = keys.length === 1 ? "it" : `secret ${index + 1} of ${keys.length}`;
    const base64 = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : "";
    const bytes = Buffer.from(base64, "base64");
    if (bytes.toString("base64").replace(/=+$/, "") !== base64.replace(/=+$/, "") || base64 === "") {
      throw new Error(`${which} isn't written as ${PREFIX} and base64`);
    }
    if (bytes.length >= MIN_KEY_BYTES && bytes.length <= MAX_KEY_BYTES) return bytes;
    throw new Error(`${which} has ${bytes.length} bytes, and not ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES}`);
  });
}

/** The headers of Standard Webhooks: one signature for each key. The id is the same in every attempt. */
export function signatureHeaders(
  keys: readonly Buffer[],
  { id, at, body }: { id: string; at: Date; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
