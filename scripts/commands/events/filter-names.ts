import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { AliasNotFound, CohortNotFound, TurnoutError } from "../../../shared/domain/errors.ts";
import { aliasOf, type Component } from "../../../shared/domain/routing/component.ts";
import { type SubjectKey, subjectLevels } from "../../../shared/domain/subject.ts";
import { type AnyOf, eachOf } from "../../../shared/domain/text/any-of.ts";
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
  const named = (wanted: AnyOf<string> | undefined) => (wanted === undefined ? [] : eachOf(wanted));
  const components: Component[] = [];
  for (const name of named(filter.component)) components.push(await componentNamed(installation.routingTable, name));
  for (const alias of named(filter.alias)) await refuseAlias(installation, alias, components);
  for (const cohort of named(filter.cohort)) {
    const register = await registerOf(installation.routingTable);
    if (own(register, cohort) === undefined) throw new CohortNotFound(cohort, Object.keys(register));
  }
  for (const replay of named(filter.replay)) await replayNamed(installation.replays, replay);
  for (const component of components) await noteVersions(installation, component, named(filter.executedVersion));
  const subjects = subjectLevels.filter((level) => level === "project" || level === "customer");
  await noteSubjects(
    installation,
    subjects.flatMap((level) => named(filter[level]).map((id): SubjectKey => `${level}#${id}`)),
  );
}

async function refuseAlias({ routingTable }: Installation, alias: string, named: readonly Component[]) {
  const components = named.length === 0 ? (await routingTable.components()).components : named;
  if (components.some((one) => aliasOf(one, alias) !== undefined)) return;
  const known = [...new Set(components.flatMap(({ aliases }) => Object.keys(aliases)))];
  if (named.length > 0) throw new AliasNotFound(alias, named.map(({ name }) => name).join(" and "), known);
  throw new TurnoutError(
    "not found",
    `No component has an alias '${alias}'. There are: ${known.join(", ") || "none"}.`,
  );
}

/** Versions may have been deleted since they ran, and subjects needn't be in the directory: worth a word, no refusal. */
async function noteVersions({ catalog }: Installation, { name }: Component, wanted: readonly string[]): Promise<void> {
  if (wanted.length === 0) return;
  const versions = (await catalog.versions(name)).map(({ version }) => version);
  for (const version of wanted) {
    if (!versions.includes(version)) note(`${name} has no version ${version}; it has ${versions.join(", ") || "none"}`);
  }
}

async function noteSubjects({ routingTable }: Installation, keys: readonly SubjectKey[]): Promise<void> {
  const { rows } = await routingTable.rows(keys);
  for (const key of keys) if (!rows.has(key)) note(`the directory has no ${keyInWords(key)}`);
}
