import { setTimeout as delay } from "node:timers/promises";

const EVERY_MS = 50;

/** What wasn't accepted is sent again after so long: sooner, whoever publishes keeps the server from coming back. */
const AGAIN_MS = 1_000;

/**
 * Publishes evenly, and again what a server that was killed has not taken: a publisher keeps what isn't accepted.
 * @param entryOf makes the n-th event's PutEvents entry
 */
export function steadyLoad(
  url: string,
  perSecond: number,
  entryOf: (n: number) => object,
): { stop(): Promise<number> } {
  const atOnce = (perSecond * EVERY_MS) / 1_000;
  let [sent, stopped] = [0, false];
  const send = async (first: number) => {
    const Entries = Array.from({ length: atOnce }, (_, n) => entryOf(first + n));
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" };
    for (;;) {
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ Entries }) }).catch(() => null);
      if (answer?.ok) return;
      await delay(AGAIN_MS);
    }
  };
  const under = new Set<Promise<void>>();
  const run = async () => {
    const begun = Date.now();
    for (let batch = 0; !stopped; batch++) {
      const one = send(sent).finally(() => under.delete(one));
      under.add(one);
      sent += atOnce;
      await delay(Math.max(0, begun + (batch + 1) * EVERY_MS - Date.now()));
    }
    await Promise.all(under);
  };
  const running = run();
  return {
    /** @returns how many events it has sent */
    async stop() {
      stopped = true;
      await running;
      return sent;
    },
  };
}
