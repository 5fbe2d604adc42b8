import type { TurnoutField } from "../../shared/domain/delivered-event.ts";
import type { BusEvent } from "../../shared/domain/event.ts";
import type { Send, SendResult } from "../../shared/targets/target.ts";
import type { SimulatedTime } from "./simulated-time.ts";

export type Delivered = BusEvent & { turnout: TurnoutField };

/** An idempotent component: it has one effect per key and generation, however often it is called, and often fails. */
export function simulatedConsumer(
  time: SimulatedTime,
  random: () => number,
  onRun: (event: Delivered, send: Send) => Promise<void>,
) {
  /** What was done, by component, key and generation: the text of the payload. */
  const effects = new Map<string, string>();
  const running = new Set<string>();
  /** Deliveries that two routers ran at the same time. */
  const overlaps: string[] = [];

  async function run(send: Send): Promise<SendResult> {
    const event: Delivered = JSON.parse(send.payload);
    const { component, idempotencyKey, generation } = event.turnout;
    const key = `${component} ${idempotencyKey} ${generation}`;
    const full = random() < 0.1;
    if (full || time.now() > send.latestStart)
      return { outcome: "throttled", error: { type: "Busy", message: "no room" } };

    if (running.has(key)) overlaps.push(key);
    running.add(key);
    await onRun(event, send);
    const drawn = random();
    if (drawn >= 0.2) effects.set(key, effects.get(key) ?? JSON.stringify(event.detail.payload));
    const durationMs = drawn > 0.9 ? send.timeoutMs : Math.floor(random() * send.timeoutMs);
    await time.delay(durationMs);
    running.delete(key);
    // Below 0.2 it failed before its effect, below 0.4 after it, above 0.9 it took too long for its answer to count.
    if (drawn >= 0.4 && drawn <= 0.9) return { outcome: "done", executedVersion: "1", durationMs };
    return { outcome: "failed", error: { type: "Broken", message: "it broke" }, durationMs };
  }
  return { run, effects, overlaps };
}
