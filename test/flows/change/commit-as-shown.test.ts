import { expect, it } from "vitest";
import { RevisionConflict } from "../../../shared/domain/errors.ts";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { commitAsShown } from "../../../shared/flows/change/commit-as-shown.ts";
import { previewChange } from "../../../shared/flows/change/preview-change.ts";
import { aComponent, aPin } from "../../support/builders.ts";
import { nextTurn } from "../../support/port-calls.ts";
import { aRoutingTable } from "../../support/routing-table.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const at = new Date("2026-11-20T10:00:00.000Z");
const pinned = (id: string, alias = "beta"): RoutingEdit => ({
  kind: "pin",
  level: "customer",
  id,
  component: "release-coordinator",
  pin: aPin({ alias }),
});

const NAMES = Array.from({ length: 20 }, (_, n) => `customer-${n}`);
const LATER = Array.from({ length: 15 }, (_, n) => `one-more-${n}`);

const GUARDRAILS = { ...DEFAULT_GUARDRAILS, maxCustomersOff: 30 };

/** A component, and guardrails that count who is off its stable. */
async function aGuardedTable() {
  const { table, change } = aRoutingTable();
  await change({ kind: "apply component", component: aComponent() });
  await change({ kind: "set guardrails", guardrails: GUARDRAILS });
  const rows = [...NAMES, ...LATER].map((id) => ({ level: "customer" as const, id, plan: "paid" }));
  await change({ kind: "set directory rows", rows });
  let ids = 0;
  const random = seededRandom(1);
  /** Turns of the event loop, in which the others go on. */
  async function pause(lost: number) {
    for (let turns = random() * 2 ** Math.min(lost, 10); turns > 0; turns--) await nextTurn();
  }
  /** @param meanwhile is done once it has been shown */
  async function make(edit: RoutingEdit, meanwhile?: RoutingEdit, expectsRevision = false) {
    const shown = await previewChange(table, edit, at);
    if (meanwhile !== undefined) await change(meanwhile);
    const meta = { who: "ada", why: "a test", command: "test", at };
    const request = { edit, steps: [edit], strict: true, expectsRevision, ...meta };
    return commitAsShown({ table, newId: () => `id-${++ids}`, pause }, request, shown, () => {});
  }
  return { table, change, make };
}

it("commitAsShown makes 20 pins of different customers at once, though guardrails count each", async () => {
  const { table, make } = await aGuardedTable();
  const made = await Promise.all(NAMES.map((name) => make(pinned(name))));
  const revisions = made.flatMap((one) => one.revisions);
  expect(new Set(revisions).size).toBe(20);
  expect(await table.head()).toBe(23);
  const { rows } = await table.rows(NAMES.map((name) => `customer#${name}` as const));
  expect(
    [...rows.values()].filter((row) => row !== undefined && "pins" in row && "release-coordinator" in (row.pins ?? {})),
  ).toHaveLength(20);
});

it("commitAsShown makes any number of pins at once that don't touch each other", async () => {
  const { table, change, make } = await aGuardedTable();
  await change({ kind: "set guardrails", guardrails: { ...GUARDRAILS, maxCustomersOff: 100 } });
  const before = await table.head();
  const many = Array.from({ length: 60 }, (_, n) => `of-many-${n}`);
  const made = await Promise.all(many.map((name) => make(pinned(name))));
  expect(new Set(made.flatMap((one) => one.revisions)).size).toBe(60);
  expect(await table.head()).toBe(before + 60);
});

it("commitAsShown counts those who came first against the budget", async () => {
  const { make } = await aGuardedTable();
  await Promise.all(NAMES.map((name) => make(pinned(name))));
  const more = await Promise.allSettled(LATER.map((name) => make(pinned(name))));
  expect(more.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
});

it.each<[what: string, meanwhile: RoutingEdit, expectsRevision: boolean]>([
  ["another has pinned the same customer", pinned("acme", "stable"), false],
  [
    "a freeze has begun",
    {
      kind: "set guardrails",
      guardrails: { ...GUARDRAILS, freeze: { who: "bob", why: "peak", at: at.toISOString() } },
    },
    false,
  ],
  ["a revision is expected", pinned("globex"), true],
])("commitAsShown is a conflict when %s", async (_, meanwhile, expectsRevision) => {
  const { table, make } = await aGuardedTable();
  await expect(make(pinned("acme"), meanwhile, expectsRevision)).rejects.toThrow(RevisionConflict);
  expect(await table.head()).toBe(4);
});

it("commitAsShown waits before it looks again, longer with each race that it lost", async () => {
  const { table, change } = aRoutingTable();
  await change({ kind: "apply component", component: aComponent() });
  await change({ kind: "set guardrails", guardrails: GUARDRAILS });
  const edit = pinned("acme");
  const shown = await previewChange(table, edit, at);
  await change(pinned("globex"));
  const pauses: number[] = [];
  const pause = async (lost: number) => {
    pauses.push(lost);
    // Behind the pause it looks at what is there by then.
    await change(pinned(`during-${lost}`));
    if (lost < 3) racing = true;
  };
  let racing = false;
  const commit: typeof table.commit = async (...request) => {
    if (racing) await change(pinned(`before-${pauses.length}`));
    racing = false;
    return table.commit(...request);
  };
  const meta = { who: "ada", why: "a test", command: "test", at };
  const request = { edit, steps: [edit], strict: true, expectsRevision: false, ...meta };
  await commitAsShown({ table: { ...table, commit }, newId: () => "id", pause }, request, shown, () => {});
  expect(pauses).toEqual([1, 2, 3]);
});
