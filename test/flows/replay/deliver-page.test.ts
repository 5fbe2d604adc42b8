import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../shared/flows/deliver/router-ports.ts";
import type { Made } from "../../../shared/flows/replay/deliver-batch.ts";
import { deliverPage, type PageOptions } from "../../../shared/flows/replay/deliver-page.ts";
import { replayMatcher } from "../../../shared/flows/replay/match-replay.ts";
import { paceOf } from "../../../shared/flows/replay/pace.ts";
import { Stopped } from "../../../shared/flows/replay/replay-driver.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { type AboutEvent, aComponent } from "../../support/builders.ts";
import { eventually } from "../../support/port-calls.ts";
import { aReplayer, type ReplayerOptions, WINDOW, withTime } from "../../support/replayer.ts";
import { done, failed } from "../../support/router.ts";
import { anEntry } from "../../support/stored-events.ts";

const noRoom: SendResult = { outcome: "throttled", error: { type: "NoRoom", message: "no room" } };

/** A page with the deliveries of these events, in order, and what was sent when. */
async function aPage(
  events: readonly AboutEvent[],
  answer: (id: string, attempt: number) => Promise<SendResult> = async () => done,
  options: ReplayerOptions = {},
) {
  let live = true;
  const story: { id: string; project: string; component: string; at: number; what: "begun" | "ended" }[] = [];
  const replayer = await aReplayer({
    ...options,
    async target({ payload, component, subject }) {
      if (live) return done;
      const { id, turnout } = JSON.parse(payload);
      const tell = (what: "begun" | "ended") => {
        story.push({ id, component, project: subject.project ?? "", at: +time.now(), what });
      };
      tell("begun");
      const result = await answer(id, turnout.attempt);
      tell("ended");
      return result;
    },
  });
  const { arrive, ports, time, calls } = replayer;
  await arrive(...events.map((about, index) => ({ id: `event-${`${index + 1}`.padStart(2, "0")}`, ...about })));
  live = false;
  const replay = {
    window: WINDOW,
    filter: {},
    mode: "rerun",
    destination: { kind: "today" },
    name: "replay-1",
  } as const;
  const pages = await Array.fromAsync(
    replayMatcher(ports, { ...replay, startedAt: time.now() }, { now: time.now }).pages(),
  );
  const deliveries = pages.flatMap(({ items }) =>
    items.flatMap((item) => (item.kind === "deliver" ? [item.delivery] : [])),
  );
  calls.since();
  const deliver = (about: Partial<PageOptions> = {}) =>
    deliverPage(ports, deliveries, {
      concurrency: 100,
      pace: paceOf(undefined),
      goOn: async () => {},
      decide: async (heads) => [...heads],
      ...about,
    });
  return {
    ...replayer,
    deliveries,
    story,
    deliver,
    made: (about?: Partial<PageOptions>) => withTime(time, deliver(about)),
  };
}

const idOf = ({ routed }: Delivery) => routed.record.id;
const states = (made: ReadonlyMap<Delivery, Made | undefined>) =>
  Object.fromEntries([...made].map(([delivery, result]) => [idOf(delivery), result?.state]).toSorted());
const begunOf = (story: readonly { id: string; what: string }[]) =>
  story.filter(({ what }) => what === "begun").map(({ id }) => id);

describe("a page", () => {
  it("has the deliveries of each project made in their order, one at a time, and several projects side by side", async () => {
    const lane = fc.record({ project: fc.constantFrom("site", "api", "shop"), ms: fc.nat(400) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(lane, { minLength: 1, maxLength: 15 }),
        fc.integer({ min: 1, max: 4 }),
        async (about, most) => {
          const page = await aPage(
            about.map(({ project }) => ({ project })),
            async (id) => {
              await page.time.delay(about[Number(id.slice(6)) - 1]?.ms ?? 0);
              return done;
            },
          );
          const made = await page.made({ concurrency: most });
          expect([...made.values()].map((one) => one?.state)).toEqual(about.map(() => "done"));
          for (const own of Map.groupBy(page.story, ({ project }) => project).values()) {
            // Begun and ended by turns: never two of one project at once.
            expect(own.map(({ what }) => what)).toEqual(own.map((_, n) => (n % 2 === 0 ? "begun" : "ended")));
            expect(begunOf(own)).toEqual(begunOf(own).toSorted());
          }
          let onTheirWay = 0;
          for (const { what } of page.story) {
            onTheirWay += what === "begun" ? 1 : -1;
            expect(onTheirWay).toBeLessThanOrEqual(most);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it("has the two components of one project side by side", async () => {
    const components = ["mailer", "billing"].map((name) => aComponent({ name }));
    const page = await aPage([{ project: "site" }], () => page.time.delay(10).then(() => done), { components });
    await page.made();
    expect(page.story.map(({ what }) => what)).toEqual(["begun", "begun", "ended", "ended"]);
  });

  it("has events of no project in the order of their customer's, and of nobody's side by side", async () => {
    const events = [{ customer: "acme" }, { customer: "acme" }, {}, {}];
    const page = await aPage(events, () => page.time.delay(10).then(() => done));
    await page.made();
    expect(page.story.map(({ what }) => what).join(" ")).toBe("begun begun begun ended ended ended begun ended");
    expect(begunOf(page.story)).toEqual(["event-01", "event-03", "event-04", "event-02"]);
  });

  it("begins no more than its pace lets it", async () => {
    const page = await aPage(Array.from({ length: 12 }, () => ({})));
    const start = +page.time.now();
    await page.made({ pace: paceOf(2) });
    const times = page.story.filter(({ what }) => what === "begun").map(({ at }) => at - start);
    expect(times).toEqual(times.map((_, n) => n * 500));
  });

  it("asks whether it may go on before every claim, and every second of a slow pace", async () => {
    const page = await aPage([{}, {}]);
    let asked = 0;
    await page.made({
      pace: paceOf(0.125),
      goOn: async () => {
        asked += 1;
      },
    });
    expect(asked).toBe(1 + 8 + 1);
  });

  it("claims 25 at a time, whatever may be on its way", async () => {
    const page = await aPage(Array.from({ length: 30 }, () => ({})));
    await page.made();
    expect(page.calls.since().filter((call) => call === "claim")).toHaveLength(2);
    const one = await aPage(Array.from({ length: 26 }, () => ({})));
    await one.made();
    expect(one.calls.since().filter((call) => call === "claim")).toHaveLength(2);
  });

  it("waits for half a minute until there is room, and for no longer", async () => {
    for (const [waitMs, state] of [
      [30_000, "done"],
      [30_001, "open"],
    ] as const) {
      const page = await aPage([{}], async (_, attempt) =>
        attempt > 1 || page.story.length > 2 ? done : { ...noRoom, retryAt: new Date(+page.time.now() + waitMs) },
      );
      expect(states(await page.made())).toEqual({ "event-01": state });
    }
  });

  it("has one that finds no room waited for, and nothing of its project overtakes it", async () => {
    const page = await aPage([{ project: "site" }, { project: "site" }, { project: "api" }], async (id, attempt) =>
      id === "event-01" && attempt < 4 ? noRoom : done,
    );
    const made = await page.made();
    const first = ["event-01", "event-01", "event-01"];
    expect(begunOf(page.story)).toEqual(["event-01", "event-03", ...first, "event-02"]);
    expect(states(made)).toEqual({ "event-01": "done", "event-02": "done", "event-03": "done" });
  });

  it("leaves one that must wait longer than half a minute to a later pass", async () => {
    const retryAt = new Date("2026-11-20T10:10:00.000Z");
    const page = await aPage([{ project: "site" }, { project: "site" }], async (id) =>
      id === "event-01" ? { ...noRoom, retryAt } : done,
    );
    const made = await page.made();
    expect([...made.values()]).toMatchObject([{ state: "open" }]);
    expect(begunOf(page.story)).toEqual(["event-01"]);
  });

  it("has one that fails tried again in its line, and nothing of its project overtakes it", async () => {
    const events = [{ project: "site" }, { project: "site" }, { project: "site" }, { project: "api" }];
    const page = await aPage(events, async (id, attempt) => (id === "event-02" && attempt < 2 ? failed : done));
    expect(Object.values(states(await page.made()))).toEqual(Array(4).fill("done"));
    expect(begunOf(page.story)).toEqual(["event-01", "event-04", "event-02", "event-02", "event-03"]);
  });

  it("leaves a line to a later pass that fails on, and doesn't keep the others waiting for long", async () => {
    const events = [{ project: "site" }, { project: "site" }, { project: "api" }, { project: "api" }];
    const components = [aComponent({ retry: { maxAttempts: 100, baseDelayMs: 900, maxDelayMs: 900 } })];
    const page = await aPage(events, async (id) => (id === "event-01" ? failed : done), { components });
    const start = +page.time.now();
    const made = await page.made();
    expect(states(made)).toEqual({ "event-01": "open", "event-03": "done", "event-04": "done" });
    expect(begunOf(page.story)).not.toContain("event-02");
    expect(page.story.filter(({ at }) => at - start > 3_000)).toEqual([]);
  });

  it("waits for the outcome of one that was handed over, and nothing of its project overtakes it", async () => {
    const events = [{ project: "site" }, { project: "site" }];
    const page = await aPage(events, async (id) => (id === "event-01" ? { outcome: "accepted", durationMs: 1 } : done));
    const look = async (deliveries: readonly Delivery[]) =>
      page.events.deliveries(deliveries.map(({ request }) => request.deliveryKey));
    void page.time.delay(600).then(async () => {
      const { deliveryKey } = (page.deliveries[0] as Delivery).request;
      await page.events.close([{ deliveryKey, attempt: 1, at: page.time.now(), outcome: "done" }]);
    });
    const start = +page.time.now();
    expect(states(await page.made({ look }))).toEqual({ "event-01": "done", "event-02": "done" });
    const [, second] = page.story.filter(({ what }) => what === "begun");
    expect((second?.at ?? 0) - start).toBeGreaterThanOrEqual(600);
  });

  it("asks for the outcome of one that was handed over less and less often, and no more once it isn't accepted", async () => {
    for (const [status, askedAtMs] of [
      ["accepted", [250, 750, 1_750]],
      ["failed", [250]],
    ] as const) {
      const page = await aPage([{}], async () => ({ outcome: "accepted", durationMs: 1 }));
      const start = +page.time.now();
      const asked: number[] = [];
      const look = async () => {
        asked.push(+page.time.now() - start);
        return [anEntry({ status })];
      };
      expect(states(await page.made({ look }))).toEqual({ "event-01": "open" });
      expect(asked).toEqual(askedAtMs);
    }
  });

  it("fails with what the ledger does when it is asked for an outcome, and asks it no more", async () => {
    const page = await aPage([{}, {}], async () => ({ outcome: "accepted", durationMs: 1 }));
    let asked = 0;
    const look = async () => {
      asked += 1;
      if (asked === 1) throw new Error("no ledger");
      return [anEntry({ status: "accepted" })];
    };
    await expect(page.made({ look })).rejects.toThrow("no ledger");
    expect(asked).toBe(1);
  });

  it("has patience for what waits alone: while something is on its way none of it is used up", async () => {
    const page = await aPage([{}], async () => {
      await page.time.delay(5_000);
      return { outcome: "accepted", durationMs: 1 };
    });
    const start = +page.time.now();
    const look = async () => [anEntry({ status: +page.time.now() - start > 5_600 ? "done" : "accepted" })];
    expect(states(await page.made({ look }))).toEqual({ "event-01": "done" });
  });

  it("leaves a line to a later pass whose outcome takes long", async () => {
    const events = [{ project: "site" }, { project: "site" }, { project: "api" }];
    const page = await aPage(events, async (id) => (id === "event-01" ? { outcome: "accepted", durationMs: 1 } : done));
    const look = async (deliveries: readonly Delivery[]) =>
      page.events.deliveries(deliveries.map(({ request }) => request.deliveryKey));
    expect(states(await page.made({ look }))).toEqual({ "event-01": "open", "event-03": "done" });
  });

  it("tells what was done, what is given up, what is to be tried again, and what wasn't to be made", async () => {
    const error = { type: "Broken", message: "it broke" };
    const components = [aComponent({ retry: { nonRetryableErrors: ["Broken"] } })];
    const answers: Record<string, SendResult> = {
      "event-02": { outcome: "failed", error, durationMs: 1 },
      "event-03": { outcome: "failed", error: { ...error, type: "Other" }, durationMs: 1 },
      "event-04": { outcome: "accepted", durationMs: 1 },
    };
    const events = Array.from({ length: 5 }, () => ({}));
    const page = await aPage(events, async (id) => answers[id] ?? done, { components });
    const made = await page.made({
      decide: async (heads) => heads.map((head) => (idOf(head) === "event-05" ? undefined : head)),
    });
    expect(states(made)).toEqual({
      "event-01": "done",
      "event-02": "dead",
      "event-03": "open",
      "event-04": "open",
      "event-05": undefined,
    });
  });

  it("goes on with the next of a project when one isn't to be made after all", async () => {
    const page = await aPage([{ project: "site" }, { project: "site" }]);
    const made = await page.made({
      decide: async (heads) => heads.map((head) => (idOf(head) === "event-01" ? undefined : head)),
    });
    expect(states(made)).toEqual({ "event-01": undefined, "event-02": "done" });
    expect(begunOf(page.story)).toEqual(["event-02"]);
  });

  it("counts one as begun that was claimed, found no room, and then isn't to be made", async () => {
    const page = await aPage([{}], async () => noRoom);
    let decided = 0;
    const made = await page.made({
      decide: async (heads) => heads.map((head) => (++decided === 1 ? head : undefined)),
    });
    expect(states(made)).toEqual({ "event-01": "open" });
  });

  it("finds what was made of it before, and sends none of it again", async () => {
    const page = await aPage([{ project: "site" }, { project: "api" }]);
    await page.made();
    page.story.splice(0);
    expect(states(await page.made())).toEqual({ "event-01": "done", "event-02": "done" });
    expect(page.story).toEqual([]);
  });

  it("never asks for two claims of one delivery at once, also where its event names another project the second time", async () => {
    const event = { id: "event-01", idempotencyKey: "order-7" };
    const page = await aPage([]);
    await page.arrive({ ...event, project: "site" });
    page.story.splice(0);
    const replay = {
      window: WINDOW,
      filter: {},
      mode: "rerun",
      destination: { kind: "today" },
      name: "replay-1",
    } as const;
    const [matched] = await Array.fromAsync(
      replayMatcher(page.ports, { ...replay, startedAt: page.time.now() }, { now: page.time.now }).pages(),
    );
    const item = matched?.items[0];
    if (item?.kind !== "deliver") throw new Error("nothing to deliver");
    const { delivery } = item;
    const record = { ...delivery.routed.record, subject: { project: "api" } };
    const twin: Delivery = { ...delivery, routed: { ...delivery.routed, record } };
    const made = await withTime(
      page.time,
      deliverPage(page.ports, [delivery, twin], {
        concurrency: 10,
        pace: paceOf(undefined),
        goOn: async () => {},
        decide: async (heads) => [...heads],
      }),
    );
    expect([...made.values()]).toMatchObject([{ state: "done" }, { state: "done" }]);
    expect(begunOf(page.story)).toHaveLength(1);
  });
});

describe("a page that must not go on", () => {
  const four = ["site", "api", "site", "api"].map((project) => ({ project }));

  it("begins nothing more, and what is on its way comes to its end and is stored", async () => {
    const page = await aPage(four, () => page.time.delay(1_000).then(() => done));
    let asked = 0;
    const goOn = async () => {
      asked += 1;
      if (asked > 1) throw new Stopped("asked to");
    };
    await expect(page.made({ goOn })).rejects.toThrow(Stopped);
    expect(begunOf(page.story)).toEqual(["event-01", "event-02"]);
    expect((await page.ledger()).filter(({ generation }) => generation !== "live")).toMatchObject([
      { status: "done" },
      { status: "done" },
    ]);
  });

  it("doesn't wait for those that wait for room", async () => {
    const page = await aPage(four, async () => noRoom);
    let asked = 0;
    const goOn = async () => {
      asked += 1;
      if (asked > 1) throw new Stopped("asked to");
    };
    const start = page.time.now();
    await expect(page.made({ goOn })).rejects.toThrow(Stopped);
    expect(+page.time.now() - +start).toBeLessThan(1_000);
  });

  it("doesn't wait for one that waits for long", async () => {
    const page = await aPage(four, async (id) =>
      id === "event-01" ? { ...noRoom, retryAt: new Date(+page.time.now() + 20_000) } : noRoom,
    );
    let asked = 0;
    const goOn = async () => {
      asked += 1;
      if (asked > 1) throw new Stopped("asked to");
    };
    const start = page.time.now();
    await expect(page.made({ goOn })).rejects.toThrow(Stopped);
    expect(+page.time.now() - +start).toBeLessThan(1_000);
  });

  it.each(["claim", "close"] as const)("throws what the store does at a %s, once the rest has ended", async (call) => {
    const page = await aPage(four, (id) => page.time.delay(id === "event-02" ? 5_000 : 1_000).then(() => done));
    page.ports.until = page.ports.now;
    page.calls.fail(call);
    await expect(page.made({ concurrency: 1 })).rejects.toThrow(`${call} failed`);
    expect(page.story.filter(({ what }) => what === "ended")).toHaveLength(begunOf(page.story).length);
    expect(begunOf(page.story).length).toBeLessThan(4);
  });

  it("has what others had on their way closed, though the store fails at one close", async () => {
    const page = await aPage(four, (id) => page.time.delay(id === "event-02" ? 5_000 : 1_000).then(() => done));
    page.ports.until = page.ports.now;
    page.calls.fail("close");
    await expect(page.made()).rejects.toThrow("close failed");
    const own = (await page.ledger()).filter(({ generation }) => generation === "replay-1");
    expect(own.filter(({ status }) => status === "claimed")).toHaveLength(1);
    expect(own.filter(({ status }) => status === "done").length).toBeGreaterThan(0);
    // What comes after it in its project isn't begun: nobody knows whether it was done.
    expect(begunOf(page.story)).not.toContain("event-03");
  });

  it("throws what deciding does, with nothing claimed", async () => {
    const page = await aPage(four);
    const decide = async () => Promise.reject(new Error("no routing"));
    await expect(page.made({ decide })).rejects.toThrow("no routing");
    expect(page.calls.since()).not.toContain("claim");
  });

  it("is told at once when it holds nothing", async () => {
    const page = await aPage([]);
    await expect(page.made({ goOn: async () => Promise.reject(new Error("not asked")) })).resolves.toEqual(new Map());
  });

  it("waits for nothing but what is on its way", async () => {
    const page = await aPage(four, () => new Promise(() => {}));
    const delivering = page.deliver();
    await eventually(() => page.story.length === 2);
    let ended = false;
    void delivering.then(() => {
      ended = true;
    });
    await page.time.pass(60_000);
    expect(ended).toBe(false);
  });
});
