import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import type { AliasMove } from "../../../shared/domain/routing/alias-move.ts";
import { changeOf } from "../../../shared/flows/change/change-log.ts";
import { type AliasStanding, aliasHistory } from "../../../shared/flows/versions/alias-history.ts";
import { componentNamed, requireVersion, versionBehind } from "../../../shared/flows/versions/component-named.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { withInstallation } from "../terminal/context.ts";
import { aliasName, type MutationOptions, mutationOptions } from "../terminal/options.ts";
import { commandLine } from "../terminal/shell-quote.ts";
import { changeAlias } from "./change-alias.ts";

type RollbackOptions = MutationOptions & { to?: string };

export function define(command: Command): void {
  command
    .argument("<component>", "the component")
    .argument("<alias>", "one of its aliases", aliasName("The alias"))
    .option("--to <version>", "the version to go to (default: the one promoted there before)");
  mutationOptions(command)
    .addHelpText(
      "after",
      `
Points an alias at the version that was promoted there before, which needn't be
the one that was built before. Again, it goes another step back, never forward.
Allowed while changes are frozen.

Examples:
  $ turnout rollback release-coordinator stable --reason "23 loses webhooks"
  $ turnout rollback release-coordinator stable --to 21 --reason "22 does too"
`,
    )
    .action(rollback);
}

async function rollback(name: string, alias: string, options: RollbackOptions): Promise<void> {
  await withInstallation(async (state) => {
    const { move, details } = await rollbackOf(state, name, alias, options.to);
    await changeAlias(state, options, {
      move,
      kind: "rollback",
      what: `roll ${alias} of ${name} back`,
      details,
      now: new Date(),
    });
  });
}

/**
 * The move that takes an alias back, and what the log says of the version that it leaves.
 * @param to the version to go to; default: the one promoted there before
 * @throws TurnoutError `not found` when there is nothing to go back from or to
 */
export async function rollbackOf(
  state: Installation,
  name: string,
  alias: string,
  to?: string,
): Promise<{ move: AliasMove & { from: string }; standing: AliasStanding; details: string[] }> {
  const component = await componentNamed(state.routingTable, name);
  const from = await versionBehind(state.catalog, component, alias);
  if (from === null) {
    throw new TurnoutError(
      "not found",
      `${alias} of ${name} points at no version, so there is nothing to roll back. ` +
        `Point it at one with '${commandLine("alias", "set", name, alias)} VERSION'.`,
    );
  }
  const standing = await aliasHistory(state.routingTable, state.catalog, name, alias);
  const back = to ?? standing.previous;
  if (back === undefined) throw nothingBefore(name, alias, from);
  await requireVersion(state.catalog, name, back);
  const move = { component: name, alias, from, to: back };
  return { move, standing, details: await since(state, move, standing) };
}

/** Says since when the version that is left has been there, as far as the log knows. */
async function since(
  { routingTable }: Installation,
  { alias, from }: AliasMove,
  { since: at, revision }: AliasStanding,
): Promise<string[]> {
  if (at === undefined || revision === undefined) return [];
  const change = await changeOf(routingTable, revision);
  const said = change === undefined ? "" : ` by ${change.who}: ${change.why}`;
  return [`${alias} has been at ${from} since ${at.toISOString()}, revision ${revision}${said}`];
}

function nothingBefore(name: string, alias: string, from: string): TurnoutError {
  return new TurnoutError(
    "not found",
    `Nothing to roll back to: the change log knows of no version that was promoted to ${alias} of ${name} before ${from}. ` +
      `Name a version with --to, or move the alias with '${commandLine("alias", "set", name, alias)} VERSION'.`,
  );
}
