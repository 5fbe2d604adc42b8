import type { Send, SendResult } from "./target.ts";

/** Why a send isn't begun any more; undefined when there is time enough. */
export function leaseTooShort({ latestStart }: Send, start: Date): SendResult | undefined {
  if (start <= latestStart) return undefined;
  const message = `the lease would end before the answer: the send had to begin by ${latestStart.toISOString()}`;
  return { outcome: "throttled", error: { type: "LeaseTooShort", message } };
}
