import type { Revision } from "../../shared/domain/routing-change.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { aPin, aSubjectRow } from "../support/builders.ts";
import { putRows } from "../support/router.ts";
import { components, type PlannedPin } from "./scenario.ts";
import type { SimulatedTime } from "./simulated-time.ts";
import type { Steps } from "./step-by-step.ts";

/** Registers the components and pins projects, and remembers what the routing was at each revision. */
export async function simulatedOperator(table: RoutingTable, time: SimulatedTime, steps: Steps) {
  await putRows(table, Object.fromEntries(components.map((component) => [`component#${component.name}`, component])));
  const pinsAt: ReadonlyMap<string, string>[] = [new Map(), new Map()];
  let answered: Revision = 1;

  async function pin({ project, alias }: PlannedPin): Promise<void> {
    const id = `project-${project}`;
    const pins = new Map(pinsAt.at(-1));
    if (alias === null) pins.delete(id);
    else pins.set(id, alias);
    pinsAt.push(pins);
    const pinned = Object.fromEntries(components.map(({ name }) => [name, aPin({ alias: alias ?? "" })]));
    await putRows(table, { [`project#${id}`]: alias === null ? null : aSubjectRow({ pins: pinned }) });
  }

  return {
    /** The newest revision that the operator knows to be committed. */
    answered: () => answered,
    /** Where the events of a project went at a revision. */
    aliasAt: (revision: Revision, project: string) => (pinsAt[revision]?.get(project) === "beta" ? "beta" : "stable"),
    async work(plan: readonly PlannedPin[]): Promise<void> {
      for (const planned of plan) {
        await time.delay(planned.after);
        await steps.turn();
        await steps.work(() => pin(planned));
        await steps.turn();
        answered = pinsAt.length - 1;
      }
    },
  };
}
