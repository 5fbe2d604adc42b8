import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { AliasNotFound, CohortNotFound, TurnoutError } from "../../../shared/domain/errors.ts";
import { aliasOf, type Component } from "../../../shared/domain/routing/component.ts";
import { subjectKeys } from "../../../shared/domain/subject.ts";
import { own } from "../../../shared/domain/text/schema.ts";
import { keyInWords } from "../../../shared/domain/text/split-key.ts";
import { replayNamed } from "../../../shared/flows/replay/start-replay.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { registerOf } from "../rules/cohort-register.ts";
import { note } from "../terminal/output.ts";

/**
 * Where a filter lets nothing through, one of its names may be misspelt. Not asked before: what was handled by something
 * that has been removed since is still to be found.
 * @throws ComponentNotFound, AliasNotFound, CohortNotFound; TurnoutError `not found` for a replay
 */
export async function refuseMisspelt(installation: Installation, filter: OutcomeFilter): Promise<void> {
  const { component: named, alias, cohort, replay } = filter;
  const component = named === undefined ? undefined : await componentNamed(installation.routingTable, named);
  if (alias !== undefined) await refuseAlias(installation, alias, component);
  if (cohort !== undefined) {
    const register = await registerOf(installation.routingTable);
    if (own(register, cohort) === undefined) throw new CohortNotFound(cohort, Object.keys(register));
  }
  if (replay !== undefined) await replayNamed(installation.replays, replay);
  if (component !== undefined) await noteVersion(installation, component, filter);
  await noteSubjects(installation, filter);
}

async function refuseAlias({ routingTable }: Installation, alias: string, component: Component | undefined) {
  const components = component === undefined ? (await routingTable.components()).components : [component];
  if (components.some((one) => aliasOf(one, alias) !== undefined)) return;
  const known = [...new Set(components.flatMap(({ aliases }) => Object.keys(aliases)))];
  if (component !== undefined) throw new AliasNotFound(alias, component.name, known);
  throw new TurnoutError(
    "not found",
    `No component has an alias '${alias}'. There are: ${known.join(", ") || "none"}.`,
  );
}

/** Versions may have been deleted since they ran, and subjects needn't be in the directory: worth a word, no refusal. */
async function noteVersion({ catalog }: Installation, { name }: Component, { executedVersion }: OutcomeFilter) {
  if (executedVersion === undefined) return;
  const versions = (await catalog.versions(name)).map(({ version }) => version);
  if (versions.includes(executedVersion)) return;
  note(`${name} has no version ${executedVersion}; it has ${versions.join(", ") || "none"}`);
}

async function noteSubjects({ routingTable }: Installation, { project, customer }: OutcomeFilter): Promise<void> {
  const keys = subjectKeys({ ...(project && { project }), ...(customer && { customer }) });
  const { rows } = await routingTable.rows(keys);
  for (const key of keys) if (!rows.has(key)) note(`the directory has no ${keyInWords(key)}`);
}
