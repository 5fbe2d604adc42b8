import { destinationRecord, type ToldOutcome } from "../../domain/deliveries/destination-record.ts";
import { arnBehind } from "../../domain/routing/target-address.ts";
import type { Send, SendResult, Target } from "../target.ts";

export type AsyncOptions = {
  /** Runs one event and waits for it; begins it by the send's `latestStart` or answers `throttled`. */
  run: Target;
  /** Puts the record of an outcome into the outcomes queue, durably; by then it is of no use any more. */
  tell: (record: string, by: Date) => Promise<unknown>;
  now: () => Date;
  delay: (ms: number) => Promise<unknown>;
  /** Told when a record couldn't be put there. The delivery is then tried again after its deadline. */
  onError: (error: unknown) => void;
  /** Events that are taken for one alias of a component and not finished, at most. Default 500. */
  maxTaken?: number;
};

const TRY_AGAIN_MS = 1_000;

/**
 * Asynchronous invocation where there is no Lambda: takes an event at once, runs it when there is room, and tells what
 * became of it in the form of Lambda's destinations. What was taken is in memory: when the process ends, the ledger
 * still knows what was accepted. A `sync` send goes straight through.
 */
export function asyncInvocations({ run, tell, now, delay, onError, maxTaken = 500 }: AsyncOptions): Target {
  const taken = new Map<string, number>();
  const keyOf = ({ component, alias }: Send) => `${component} ${alias}`;

  /** What nothing was run of is tried again here: no queue has it any more. */
  async function runInTime(send: Send): Promise<SendResult> {
    for (;;) {
      const result = await run(send);
      if (result.outcome !== "throttled" || result.error.type === "ShuttingDown") return result;
      const waitMs = Math.max(TRY_AGAIN_MS, (result.retryAt?.getTime() ?? 0) - now().getTime());
      if (now().getTime() + waitMs > send.latestStart.getTime()) return result;
      await delay(waitMs);
    }
  }

  async function runAndTell(send: Send): Promise<void> {
    try {
      const record = recordOf(send, await runInTime(send), now());
      if (record !== undefined) await tell(JSON.stringify(record), send.latestStart);
    } catch (error) {
      onError(error);
    } finally {
      taken.set(keyOf(send), (taken.get(keyOf(send)) ?? 1) - 1);
    }
  }

  function take(send: Send, maxEventAgeMs: number): SendResult {
    const waiting = taken.get(keyOf(send)) ?? 0;
    if (waiting >= maxTaken) {
      const message = `${waiting} events wait for ${send.component} '${send.alias}' already`;
      return { outcome: "throttled", error: { type: "NoRoom", message } };
    }
    taken.set(keyOf(send), waiting + 1);
    const latestStart = new Date(now().getTime() + maxEventAgeMs);
    void runAndTell({ ...send, latestStart });
    return { outcome: "accepted", durationMs: 0 };
  }

  return (send) => {
    const { invocation } = send;
    return invocation.kind === "sync" ? run(send) : Promise.resolve(take(send, invocation.maxEventAgeMs));
  };
}

/** Undefined when nothing can be said, because the process is being stopped. */
function recordOf({ component, alias, address, requestId, payload }: Send, result: SendResult, now: Date) {
  const functionArn = arnBehind(component, address);
  const told = toldOutcome(result, `${component} '${alias}'`);
  return told && destinationRecord({ alias, functionArn, requestId, requestPayload: JSON.parse(payload) }, told, now);
}

function toldOutcome(result: SendResult, who: string): ToldOutcome | undefined {
  switch (result.outcome) {
    case "done":
    case "failed":
      return result;
    case "throttled":
      return result.error.type === "ShuttingDown" ? undefined : { outcome: "never begun", error: result.error };
    case "accepted":
      throw new Error(`${who} was run, and answered that it will be`);
  }
}
