import { expect, it } from "vitest";
import { RevisionConflict, TurnoutError } from "../../../shared/domain/errors.ts";
import { DEFAULT_GUARDRAILS, type Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { commitSteps, type StepsRequest } from "../../../shared/flows/change/commit-steps.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

const at = new Date("2026-11-20T10:00:00.000Z");
const plan = (customer: string, to = "paid"): RoutingEdit => ({ kind: "set plan", customer, plan: to });
const steps = [plan("acme"), plan("globex"), plan("initech")];

/** A series of three changes, before one of which (from 1 on) `meanwhile` is done. */
async function aSeries(about: { guardrails?: Guardrails } & Partial<StepsRequest> = {}) {
  const { guardrails = DEFAULT_GUARDRAILS, ...more } = about;
  const { table, change } = aRoutingTable();
  if (guardrails !== DEFAULT_GUARDRAILS) await change({ kind: "set guardrails", guardrails });
  const checked = { revision: await table.head(), guardrails, impacts: [] };
  let ids = 0;
  const commit = async (before?: number, meanwhile: RoutingEdit = plan("other")) => {
    let step = 0;
    // The step waits for what comes before it: the table is in memory, and takes what it is given in turn.
    let done: Promise<unknown> = Promise.resolve();
    const waiting = {
      ...table,
      rows: (keys: Parameters<typeof table.rows>[0]) => done.then(() => table.rows(keys)),
    };
    const asked = { edit: plan("acme"), steps, checked, strict: false, who: "ada", why: "a test", command: "test", at };
    return commitSteps({ table: waiting as typeof table, newId: () => `id-${++ids}` }, { ...asked, ...more }, () => {
      if (++step === before) done = change(meanwhile);
    });
  };
  return { table, commit, first: checked.revision + 1 };
}

it("commitSteps makes one change of each step, and none of what is so already", async () => {
  const { commit, table, first } = await aSeries({ steps: [...steps, plan("acme")] });
  expect(await commit()).toEqual({ revisions: [first, first + 1, first + 2] });
  expect(await table.head()).toBe(first + 2);
});

it("commitSteps goes on past changes of others, unless nothing may come in between", async () => {
  const free = await aSeries();
  expect(await free.commit(2)).toEqual({ revisions: [1, 3, 4] });
  const alone = await aSeries({ strict: true });
  expect(await alone.commit()).toEqual({ revisions: [1, 2, 3] });
  const strict = await aSeries({ strict: true });
  expect(await strict.commit(2)).toEqual({ revisions: [1], stopped: { error: expect.any(RevisionConflict) } });
  const first = await aSeries({ strict: true });
  await expect(first.commit(1)).rejects.toThrow(RevisionConflict);
});

it("commitSteps lets nothing come in between where a guardrail has counted who moves", async () => {
  const { commit, first } = await aSeries({ guardrails: { ...DEFAULT_GUARDRAILS, maxCustomersOff: 5 } });
  expect(await commit(2)).toEqual({ revisions: [first], stopped: { error: expect.any(RevisionConflict) } });
});

it("commitSteps takes guardrails that a step of its own has set for those it was planned under", async () => {
  const set: RoutingEdit = { kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, maxCustomersOff: 5 } };
  const own = await aSeries({ steps: [plan("acme"), set, plan("globex")] });
  expect(await own.commit()).toEqual({ revisions: [1, 2, 3] });
  const foreign = await aSeries();
  expect(await foreign.commit(2, set)).toEqual({ revisions: [1], stopped: { error: expect.any(TurnoutError) } });
});
