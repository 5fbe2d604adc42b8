import { InboxItem } from "../domain/deliveries/inbox-item.ts";
import { arnBehind } from "../domain/routing/target-address.ts";
import { jsonFields, read } from "../domain/text/schema.ts";
import type { LaptopStore } from "../laptop-store/laptop-store.ts";
import { leaseTooShort } from "./lease-too-short.ts";
import type { Send, SendResult, Target } from "./target.ts";

export type LaptopTargetOptions = { laptops: Pick<LaptopStore, "deliver">; now: () => Date };

/**
 * How long an attempt may take on a laptop, which may stand at a breakpoint. Whether somebody still is at it, the lease
 * tells: when it lapses, what waits is decided again at once.
 */
const ANSWER_MS = 6 * 3_600_000;

/** Puts the event into the inbox of the alias. Whoever holds the alias's lease takes it from there. 1 request. */
export function laptopTarget({ laptops, now }: LaptopTargetOptions): Target {
  return async (send): Promise<SendResult> => {
    const start = now();
    if (send.address.kind !== "laptop") {
      const message = `a target of kind '${send.address.kind}' is no laptop`;
      return { outcome: "failed", error: { type: "WrongTarget", message }, durationMs: 0 };
    }
    const refusal = leaseTooShort(send, start);
    if (refusal !== undefined) return refusal;
    const item = itemOf(send, start);
    if (!item.ok) {
      return { outcome: "failed", error: { type: "WrongPayload", message: item.problem }, durationMs: 0 };
    }
    try {
      await laptops.deliver(item.value);
      return { outcome: "accepted", durationMs: now().getTime() - start.getTime(), answerMs: ANSWER_MS };
    } catch (error) {
      // Nothing has run: it is no failure of the code that it was for.
      const message = `the inbox of ${send.alias} can't be written: ${error instanceof Error ? error.message : error}`;
      return { outcome: "throttled", error: { type: "InboxUnavailable", message } };
    }
  };
}

function itemOf({ component, alias, address, requestId, timeoutMs, payload }: Send, now: Date) {
  const { id, source, "detail-type": type, turnout } = jsonFields(payload);
  const functionArn = arnBehind(component, address);
  const about = { requestId, component, alias, functionArn, at: now.toISOString(), timeoutMs };
  return read(InboxItem, { ...about, event: { id, source, "detail-type": type }, turnout });
}
