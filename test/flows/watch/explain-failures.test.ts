import { describe, expect, it } from "vitest";
import type { Failure } from "../../../shared/domain/health/failure.ts";
import type { FailureFilter } from "../../../shared/domain/health/failure-levers.ts";
import { traitText } from "../../../shared/domain/health/trait.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { explainFailures } from "../../../shared/flows/watch/explain-failures.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aMessage, aRouter, T0 } from "../../support/router.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const NAME = "release-coordinator";
const CUSTOMERS = Array.from({ length: 40 }, (_, n) => `customer-${n}`);

type Published = { customer: string; isPrivate: boolean; type: string; version: string };

/** A minute of 2,400 events of 40 customers, of whom the first twenty are on beta, at version 23. */
async function aMinute(fails: (published: Published) => boolean, error = { type: "TypeError", message: "no token" }) {
  const random = seededRandom(7);
  const onBeta = CUSTOMERS.slice(0, 20);
  const router = await aRouter({
    components: [aComponent({ name: NAME, retry: { maxAttempts: 1 } })],
    rows: Object.fromEntries(
      onBeta.map((id) => [`customer#${id}`, aSubjectRow({ pins: { [NAME]: aPin({ alias: "beta" }) } })]),
    ),
    target: async ({ payload, alias }): Promise<SendResult> => {
      const { detail, "detail-type": type } = JSON.parse(payload);
      const executedVersion = alias === "beta" ? "23" : "22";
      const about = { customer: detail.metadata.customer, isPrivate: detail.repository.private, type };
      if (!fails({ ...about, version: executedVersion })) return { outcome: "done", executedVersion, durationMs: 5 };
      return { outcome: "failed", executedVersion, durationMs: 5, error };
    },
  });
  const { time } = router;
  for (let batch = 0; batch < 60; batch++) {
    const messages = Array.from({ length: 40 }, (_, n) => {
      const id = `e-${batch}-${n}`;
      const repository = { private: random() < 0.5, language: ["go", "c", "ts"][Math.floor(random() * 3)] };
      const customer = CUSTOMERS[Math.floor(random() * 40)] ?? "";
      const detailType = ["push", "release"][Math.floor(random() * 2)] ?? "";
      return aMessage({ messageId: id, id, sentAt: time.now(), customer, detailType, detail: { repository } });
    });
    await routeBatch(router.ports, messages);
    await time.pass(1_000);
  }
  await router.ports.counter.flush();
  const targets = [
    { alias: "stable", version: "22" },
    { alias: "beta", version: "23" },
  ];
  const catalog = { aliases: async () => targets, versions: async () => [] };
  const explain = (filter: FailureFilter = {}, component = NAME) => {
    const ports = { events: router.events, routingTable: router.table, catalog };
    const window = { from: new Date(T0.getTime() - 600_000), to: time.now() };
    return explainFailures(ports, { component, window, filter }, time.now(), seededRandom(1));
  };
  return { ...router, explain };
}

const isBroken = ({ customer, isPrivate, version }: Published) =>
  customer === "customer-7" && isPrivate && version === "23";

describe("explaining failures", () => {
  it("puts the two values first that together say which deliveries fail, with what acts on these", async () => {
    const { explain } = await aMinute(isBroken);
    const { explanations, counted, isAll, failed, passed } = await explain();
    const count = failed;
    expect({ counted, isAll }).toEqual({ counted: count, isAll: true });
    expect(count).toBeGreaterThan(15);
    expect(passed).toBeGreaterThan(1_900);
    expect(explanations.map(({ traits }) => traits.map(traitText))).toEqual([
      ["customer customer-7", "detail.repository.private = true"],
    ]);
    expect(explanations[0]).toMatchObject({
      passed: 0,
      failures: { length: count },
      errors: [{ error: "TypeError: no token", version: "23", count, isFirst: true }],
      since: new Date("2026-11-20T10:00:00.000Z"),
      filter: {
        component: NAME,
        customer: "customer-7",
        pattern: { detail: { repository: { private: [true] } } },
      },
      pin: { level: "customer", id: "customer-7", to: "stable" },
    });
  });

  it("finds nothing where nothing tells failures apart, and where there is none", async () => {
    const random = seededRandom(3);
    const { explain } = await aMinute(() => random() < 0.05);
    const { explanations, failed } = await explain();
    expect(failed).toBeGreaterThan(30);
    expect(explanations).toEqual([]);
    expect(await explain({ customer: "nobody" })).toMatchObject({
      explanations: [],
      failed: 0,
      passed: 0,
      isAll: true,
    });
  });

  it("names the alias to roll back where a version fails for everybody", async () => {
    const { explain } = await aMinute(({ version, type }) => version === "23" && type === "push");
    const { explanations } = await explain();
    expect(explanations[0]?.traits.map(traitText)).toEqual(["type push", "version 23"]);
    expect(explanations[0]).toMatchObject({ rollBack: "beta" });
    expect(explanations[0]).not.toHaveProperty("pin");
  });

  it("looks at one version, alias and customer alone, and never shows another's", async () => {
    const { explain } = await aMinute((one) => isBroken(one) || (one.customer === "customer-8" && one.type === "push"));
    const { explanations, failed, passed } = await explain({ customer: "customer-7" });
    expect(explanations.map(({ traits }) => traits.map(traitText))).toEqual([["detail.repository.private = true"]]);
    expect(failed + passed).toBeLessThan(90);
    const shown = explanations.flatMap(({ failures }) => failures.map(({ subject }) => subject.customer));
    expect(new Set(shown)).toEqual(new Set(["customer-7"]));
    expect(explanations[0]).toMatchObject({
      filter: { customer: "customer-7" },
      pin: { level: "customer", id: "customer-7", to: "stable" },
    });
    expect((await explain({ version: "22" })).failed).toBe(0);
    expect((await explain({ alias: "stable" })).failed).toBe(0);
  });

  it("finds a customer's failures behind any number of another's that came later", async () => {
    const { events, table } = await aRouter({ components: [aComponent({ name: NAME })] });
    const failures = Array.from({ length: 2_550 }, (_, n): Failure => {
      const [at, subject] = [new Date(T0.getTime() + Math.floor(n / 3)), { customer: n < 50 ? "quiet" : "loud" }];
      const route = {
        component: NAME,
        version: "22",
        alias: "stable",
        because: "default alias",
        type: "push",
      } as const;
      const said = { errorType: "TypeError", message: "no token", requestId: `r-${n}` };
      return { at, deliveryKey: `${NAME}#${n}#live`, eventId: `e-${n}`, subject, ...route, ...said };
    });
    await events.count({ spans: [], failures }, "a test");
    const catalog = { aliases: async () => [{ alias: "stable", version: "22" }], versions: async () => [] };
    const window = { from: new Date(T0.getTime() - 60_000), to: new Date(T0.getTime() + 60_000) };
    const comparedOf = async (filter: FailureFilter, most?: number) => {
      const ports = { events, routingTable: table, catalog };
      const asked = { component: NAME, window, filter, ...(most && { most }) };
      return explainFailures(ports, asked, window.to, seededRandom(1));
    };
    expect(await comparedOf({ customer: "quiet" })).toMatchObject({ failed: 50, isAll: true });
    expect(await comparedOf({ customer: "loud" })).toMatchObject({ failed: 1_000, isAll: false });
    expect(await comparedOf({ customer: "nobody" })).toMatchObject({ failed: 0, isAll: true });
    const few = await comparedOf({}, 9);
    expect(few).toMatchObject({ failed: 9, isAll: false });
    expect(few.newest.map(({ eventId }) => eventId).toSorted()).toEqual(
      failures
        .slice(-9)
        .map(({ eventId }) => eventId)
        .toSorted(),
    );
    expect(await comparedOf({}, 2_550)).toMatchObject({ failed: 2_550, isAll: true });
  });

  it("refuses a component and a version that there aren't", async () => {
    const { explain } = await aMinute(() => false);
    await expect(explain({}, "mailer")).rejects.toThrow("mailer");
    await expect(explain({ version: "99" })).rejects.toThrow("no version 99");
  });
});
