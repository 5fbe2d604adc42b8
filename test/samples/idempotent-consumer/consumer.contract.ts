import { describe, expect, it } from "vitest";
import type { OrderEvent } from "../../../functions/samples/idempotent-consumer/order-state.ts";
import { readCloudEvent } from "../../../scripts/embedded/read-cloud-event.ts";
import { entryOfCloudEvent } from "../../../shared/domain/events/cloud-event.ts";
import { envelopeOf, readEntry } from "../../../shared/domain/events/event-entry.ts";
import type { Send } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { aReplayer } from "../../support/replayer.ts";
import { T0 } from "../../support/router.ts";

/** A consumer with its store, new and empty. Answers whether the event had its effect, or was taken for a repeat. */
export type Consumer = (event: OrderEvent) => Promise<"effect" | "repeat">;

/**
 * Every idempotent consumer has one effect of each event and generation that Turnout delivers, however often it is
 * delivered and whatever keys the publishers chose.
 */
export function consumerContract(name: string, open: () => Promise<Consumer>): void {
  describe(`${name}, behind Turnout`, () => {
    it("has the effect of every event where three types share the orders' numbers as their keys", async () => {
      const types = ["order placed", "order paid", "order shipped"];
      const source = { source: "shop", idempotencyKey: "detail.order" };
      const { arrive, sends } = await aReplayer({ rows: { "source#shop": source } });
      const orders = Array.from({ length: 20 }, (_, n) => `order-${n}`);
      for (const detailType of types) {
        await arrive(...orders.map((order) => ({ id: `${detailType} ${order}`, detailType, detail: { order } })));
      }
      expect(await effectsOf(await open(), sends)).toEqual({ effects: 60, repeats: 60 });
    });

    it("has the effect of every CloudEvent where three sources count their ids from 1", async () => {
      const { arrive, sends } = await aReplayer();
      for (const source of ["shop", "bank", "depot"]) {
        const bodies = Array.from({ length: 10 }, (_, n) => cloudEvent(source, `${n + 1}`));
        await arrive(...bodies.map((body, n) => ({ body, messageId: `${source} ${n}` })));
      }
      expect(await effectsOf(await open(), sends)).toEqual({ effects: 30, repeats: 30 });
    });

    it("tells the live event 'base#r1' from what the replay 'r1' makes of the event 'base'", async () => {
      const { arrive, start, run, sends } = await aReplayer({ components: [aComponent()] });
      const detail = { order: "order-1" };
      await arrive({ idempotencyKey: "base", detail }, { idempotencyKey: "base#r1", detail });
      await start({ name: "r1" });
      await run("r1");
      expect(sends).toHaveLength(4);
      expect(await effectsOf(await open(), sends)).toEqual({ effects: 4, repeats: 4 });
    });
  });
}

/** What a consumer makes of everything that was sent, each delivered twice. */
async function effectsOf(consume: Consumer, sends: readonly Send[]) {
  const outcomes = { effects: 0, repeats: 0 };
  for (const send of [...sends, ...sends]) {
    const outcome = await consume(JSON.parse(send.payload) as OrderEvent);
    outcomes[outcome === "effect" ? "effects" : "repeats"] += 1;
  }
  return outcomes;
}

/** A CloudEvent as the front door puts it into the queue. */
function cloudEvent(source: string, id: string): string {
  const said = { specversion: "1.0", type: "order placed", data: { order: `${source} ${id}` } };
  const read = readCloudEvent(JSON.stringify({ ...said, source, id }), T0);
  if (!read.ok) throw new Error(read.problem);
  const asked = entryOfCloudEvent(read.value);
  if (!asked.ok) throw new Error(asked.problem);
  const entry = readEntry(asked.value.entry);
  if (!entry.ok) throw new Error(entry.errorMessage);
  return envelopeOf(entry.value, { id: asked.value.id, now: T0 });
}
