import {
  AliasNotFound,
  AliasRetired,
  ComponentNotFound,
  ComponentUnreadable,
  TurnoutError,
} from "../../domain/errors.ts";
import { aliasOf, type Component } from "../../domain/routing/component.ts";
import { ownPlaceOf } from "../../domain/routing/target-address.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { AliasedVersion, VersionCatalog } from "../../versions/version-catalog.ts";

/** @throws ComponentNotFound */
export async function componentNamed(table: Pick<RoutingTableReader, "components">, name: string): Promise<Component> {
  const { components, unreadable } = await table.components();
  const component = components.find((candidate) => candidate.name === name);
  if (component !== undefined) return component;
  const row = unreadable.find((candidate) => candidate.name === name)?.row;
  if (row !== undefined) throw new ComponentUnreadable(name, row.problem);
  throw new ComponentNotFound(
    name,
    components.map((candidate) => candidate.name),
  );
}

/**
 * The version that an alias in use points at, null for none yet.
 * @throws AliasNotFound, AliasRetired, TurnoutError `not allowed` where the alias stands for something else than versions
 */
export async function versionBehind(
  catalog: Pick<VersionCatalog, "aliases">,
  component: Component,
  alias: string,
): Promise<string | null> {
  const entry = aliasOf(component, alias);
  if (entry === undefined) throw new AliasNotFound(alias, component.name, Object.keys(component.aliases));
  if (entry.retired) throw new AliasRetired(alias, component.name);
  if (entry.target.kind === "laptop") throw isLaptop(component.name, alias);
  const place = ownPlaceOf(entry.target);
  if (place !== undefined) throw noVersions(component.name, alias, place);
  const aliased = (await catalog.aliases(component.name)).find((one) => one.alias === alias);
  if (aliased?.alsoTo !== undefined) throw sharedOut(component.name, aliased);
  return aliased?.version ?? null;
}

function isLaptop(component: string, alias: string): TurnoutError {
  return new TurnoutError(
    "not allowed",
    `${alias} of ${component} is somebody's laptop: there is no version behind it.`,
    {
      remedies: ["publish the code that runs there as a version, and go on with that"],
    },
  );
}

function noVersions(component: string, alias: string, place: string): TurnoutError {
  return new TurnoutError(
    "not allowed",
    `${alias} of ${component} stands for a ${place} of its own, and not for versions that could be moved. Change its target ` +
      "in the component's file, and apply that; the history has what it was before, and the change can be taken back.",
  );
}

/** Somebody else is at it: a gradual deployment, or a person at the console. */
function sharedOut(component: string, { alias, version, alsoTo = {} }: AliasedVersion): TurnoutError {
  const shares = Object.entries(alsoTo).map(([other, share]) => `${share * 100} % of its events to version ${other}`);
  return new TurnoutError(
    "conflict",
    `${alias} of ${component} points at version ${version}, and gives ${shares.join(", ")}: somebody has shared it out ` +
      "without Turnout. Nothing was changed.",
    { remedies: [{ operation: "end sharing out" }] },
  );
}

/** @throws TurnoutError `not found` when the component has no such version */
export async function requireVersion(
  catalog: Pick<VersionCatalog, "versions">,
  component: string,
  version: string,
): Promise<void> {
  const versions = (await catalog.versions(component)).map((published) => published.version);
  if (versions.includes(version)) return;
  throw new TurnoutError(
    "not found",
    `${component} has no version ${version}; it has ${versions.join(", ") || "none"}.`,
  );
}
