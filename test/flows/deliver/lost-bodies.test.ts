import { describe, expect, it } from "vitest";
import type { EventRecord, RecordKey } from "../../../shared/domain/deliveries/delivery.ts";
import { redeliveryBody } from "../../../shared/domain/deliveries/redelivery.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { listEvents } from "../../../shared/flows/explain/list-events.ts";
import { planReplay } from "../../../shared/flows/replay/plan-replay.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { aReplayer, WINDOW } from "../../support/replayer.ts";
import { aMessage, done, failed } from "../../support/router.ts";

const WHY = "the body can't be read from bodies/1 (ENOENT)";

/** A store whose body of the event `lost` is gone from then on. */
function losing(events: EventStore) {
  let lost = "";
  const without = (record: EventRecord): EventRecord =>
    record.id === lost ? { ...record, body: "", unavailable: WHY } : record;
  const broken: EventStore = {
    ...events,
    find: async (keys: readonly RecordKey[]) => (await events.find(keys)).map((record) => record && without(record)),
    async *records(...asked: Parameters<EventStore["records"]>) {
      for await (const page of events.records(...asked)) yield page.map(without);
    },
  };
  const lose = (id: string) => {
    lost = id;
  };
  return { broken, lose };
}

async function aStoreThatLoses(target: () => Promise<SendResult> = async () => done) {
  const retry = { baseDelayMs: 120_000, maxDelayMs: 120_000 };
  const replayer = await aReplayer({ components: [aComponent({ retry })], target });
  const { broken, lose } = losing(replayer.events);
  const { records, find } = broken;
  const ports = { ...replayer.ports, events: { ...replayer.ports.events, records, find } };
  const plan = (filter = {}) => {
    const asked = { window: WINDOW, mode: "rerun", destination: { kind: "today" }, name: "plan" } as const;
    return planReplay(ports, { ...asked, filter, startedAt: replayer.time.now() }, replayer.time.now);
  };
  return { ...replayer, ports, broken, lose, plan };
}

describe("an event whose body is lost", () => {
  it("is listed with the reason, and the others as ever", async () => {
    const { arrive, broken, lose, time } = await aStoreThatLoses();
    await arrive({ project: "site" }, { project: "site" }, { project: "api" });
    lose("event-2");
    const listed = await Array.fromAsync(listEvents({ events: broken }, WINDOW, { project: "site" }, time.now()));
    expect(listed.flat().map(({ record, status }) => [record.id, status, record.unavailable])).toEqual([
      ["event-1", "done", undefined],
      ["event-2", "done", WHY],
    ]);
  });

  it("is skipped by a replay, as its plan has said, also where only its body could tell whether it is meant", async () => {
    const { arrive, lose, plan, start, run, ports, sends } = await aStoreThatLoses();
    await arrive({ detail: { size: 1 } }, { detail: { size: 1 } }, { detail: { size: 2 } });
    lose("event-2");
    const filter = { pattern: { source: ["shop"], detail: { size: [1] } } };
    const { counts } = await plan(filter);
    expect(counts).toMatchObject({ scanned: 3, matched: 2, sent: 1, skipped: { "body unavailable": 1 } });
    expect((await plan({ pattern: { source: ["bank"] } })).counts).toMatchObject({ matched: 0 });
    await start({ filter });
    const { progress } = await run("replay-1", () => true, ports);
    expect(progress.counts).toMatchObject({ sent: 1, done: 1, skipped: { "body unavailable": 1 } });
    expect(progress.endedAt).toBeDefined();
    expect(sends).toHaveLength(4);
  });

  it("leaves a replay that has begun it with a delivery that is dead, and says why", async () => {
    let answer: SendResult = done;
    const { arrive, lose, start, run, ports, ledger } = await aStoreThatLoses(async () => answer);
    await arrive({}, {});
    answer = failed;
    await start();
    void ports.delay(10_000).then(() => {
      lose("event-1");
      answer = done;
    });
    const { progress } = await run("replay-1", () => true, ports);
    expect(progress.counts).toMatchObject({ sent: 2, done: 1, dead: 1, open: 0 });
    const dead = (await ledger()).filter(({ status }) => status === "dead");
    expect(dead).toMatchObject([{ generation: "replay-1", error: { type: "BodyUnavailable", message: WHY } }]);
  });

  it("ends a delivery that was parked as dead, with the reason, and sends the others", async () => {
    let answer: SendResult = failed;
    const { arrive, lose, routing, broken, time, ledger, sends } = await aStoreThatLoses(async () => answer);
    await arrive({}, {});
    lose("event-1");
    answer = done;
    await time.pass(120_000);
    const before = sends.length;
    const messages = (await ledger()).map((entry, index) =>
      aMessage({ messageId: `swept-${index}`, body: redeliveryBody(entry), sentAt: time.now() }),
    );
    expect(await routeBatch({ ...routing, events: { ...routing.events, find: broken.find } }, messages)).toEqual([]);
    expect(sends.length - before).toBe(1);
    const statuses = (await ledger()).map(({ status, error }) => [status, error?.type, error?.message]);
    expect(statuses.toSorted()).toEqual([
      ["dead", "BodyUnavailable", WHY],
      ["done", undefined, undefined],
    ]);
  });

  it("has it again from the next message of the event, which has it too", async () => {
    let answer: SendResult = failed;
    const { routing, broken, lose, time, ledger } = await aStoreThatLoses(async () => answer);
    const recorded: EventRecord[][] = [];
    const record = (records: readonly EventRecord[]) => {
      recorded.push([...records]);
      return broken.record(records);
    };
    const events = { ...routing.events, find: broken.find, record };
    await routeBatch(routing, [aMessage({ id: "event-1" })]);
    const [entry] = await ledger();
    lose("event-1");
    answer = done;
    await time.pass(120_000);
    const twin = aMessage({ id: "event-1", messageId: "message-2", sentAt: time.now() });
    await routeBatch({ ...routing, events }, [twin]);
    expect(recorded.at(-1)).toMatchObject([{ t0: entry?.t0, body: twin.body }]);
  });
});
