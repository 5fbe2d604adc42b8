import { expect, it } from "vitest";
import { standingSubjects } from "../../../shared/flows/watch/standing-subjects.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aRouter, T0 } from "../../support/router.ts";

const NAME = "release-coordinator";
const pinned = aSubjectRow({ pins: { [NAME]: aPin({ alias: "beta" }) } });
const nobody = { named: 0, isMore: false, hasOthers: false, basisPoints: 0 };

it("standingSubjects counts each customer once where its events go, and says who gets everybody else and what share", async () => {
  const rollout = { alias: "beta", basisPoints: 500, by: "customer" as const, salt: "s" };
  const { table } = await aRouter({
    components: [aComponent({ name: NAME, rollout })],
    rows: {
      "customer#acme": pinned,
      "project#acme/site": aSubjectRow({ customer: "acme" }),
      "project#nobody's": aSubjectRow({ pins: pinned.pins }),
      "user#ada": pinned,
      "plan#free": aSubjectRow(),
    },
  });
  const found = await standingSubjects(table, [NAME], T0);
  expect(Object.fromEntries(found.get(NAME) ?? [])).toEqual({
    stable: { ...nobody, hasOthers: true },
    beta: { ...nobody, named: 3, basisPoints: 500 },
  });
});

it("standingSubjects looks at the first 2,000 or so of a directory of any size, and says that there are more", async () => {
  const { table } = await aRouter();
  let listed = 0;
  const endless = {
    ...table,
    head: () => table.head(),
    changesAfter: table.changesAfter.bind(table),
    rows: table.rows.bind(table),
    components: () => table.components(),
    async *subjects() {
      for (;;) yield { id: `customer-${++listed}`, row: aSubjectRow() };
    },
  };
  const stable = (await standingSubjects(endless, [NAME], T0)).get(NAME)?.get("stable");
  expect(stable).toMatchObject({ isMore: true, hasOthers: true });
  // Four pages are looked at, and a fifth says that there are more.
  expect(listed).toBeLessThanOrEqual(2_500);
});

it("standingSubjects says nothing of a component that isn't there, and nothing to a rollout that doesn't hold", async () => {
  const rollout = { alias: "beta", basisPoints: 500, by: "customer" as const, salt: "s" };
  const allStable = { who: "ada", why: "an outage", at: T0.toISOString() };
  const over = { ...rollout, until: T0.toISOString() };
  const { table } = await aRouter({
    components: [aComponent({ name: NAME, rollout, allStable }), aComponent({ name: "mailer", rollout: over })],
    rows: { "customer#acme": pinned, "project#acme/site": aSubjectRow(), "user#ada": aSubjectRow() },
  });
  const found = await standingSubjects(table, [NAME, "mailer", "gone"], T0);
  const told = [...found].map(([name, standing]) => [name, Object.fromEntries(standing)]);
  expect(told).toEqual([
    [NAME, { stable: { ...nobody, named: 3, hasOthers: true } }],
    ["mailer", { stable: { ...nobody, named: 3, hasOthers: true } }],
    ["gone", {}],
  ]);
});
