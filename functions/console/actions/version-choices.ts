import { badMark, badText } from "../../../shared/domain/routing/guard-rule.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { Choice } from "./action.ts";
import { aliasesInUse } from "./given.ts";

type Ports = Pick<Installation, "routingTable" | "catalog">;

/** The versions that the component has, the newest first; those that were found to be bad are marked. */
export async function versionChoices({ routingTable, catalog }: Ports, given: URLSearchParams): Promise<Choice[]> {
  const named = given.get("component");
  if (named === null) return [];
  const [published, { components }] = await Promise.all([catalog.versions(named), routingTable.components()]);
  const marks = components.find(({ name }) => name === named)?.badVersions;
  return published
    .map(({ version }) => {
      const bad = badMark(marks, version);
      return bad === undefined ? { value: version } : { value: version, text: `${version} (bad)`, note: badText(bad) };
    })
    .reverse();
}

/** The aliases that are in use; of a component that is named, each with the version behind it. */
export async function placedAliasChoices(ports: Ports, given: URLSearchParams): Promise<Choice[]> {
  return (await notedAliasChoices(ports, given)).map(({ note: _, ...choice }) => choice);
}

/** The same for an alias whose version goes somewhere: with what was found of it. */
export async function notedAliasChoices({ routingTable, catalog }: Ports, given: URLSearchParams): Promise<Choice[]> {
  const { components } = await routingTable.components();
  const aliases = aliasesInUse(components, given);
  const component = components.find(({ name }) => name === given.get("component"));
  if (component === undefined) return aliases.map((value) => ({ value }));
  const behind = new Map((await catalog.aliases(component.name)).map(({ alias, version }) => [alias, version]));
  return aliases.map((value) => {
    const version = behind.get(value);
    if (version === undefined || version === null) return { value };
    const bad = badMark(component.badVersions, version);
    if (bad === undefined) return { value, text: `${value} (version ${version})` };
    return { value, text: `${value} (version ${version}, bad)`, note: `${value}: ${badText(bad)}` };
  });
}
