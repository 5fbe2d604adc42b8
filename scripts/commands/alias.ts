import type { Command } from "commander";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { defineAliasNames } from "./alias-names.ts";
import { confirm } from "./confirm.ts";
import { withState } from "./context.ts";
import {
  componentNamed,
  expectedHead,
  moveAlias,
  noteUndo,
  refuseFrozen,
  showAudience,
  undoOfMove,
  versionBehind,
} from "./move-alias.ts";
import { aliasName, type MutationOptions, mutationOptions } from "./options.ts";
import { note, printJson, printLine } from "./output.ts";

export function define(command: Command): void {
  const setting = command
    .command("set")
    .description("point an alias at a version")
    .argument("<component>", "the component")
    .argument("<alias>", "one of its aliases", aliasName("The alias"))
    .argument("<version>", "one of its versions");
  mutationOptions(setting)
    .addHelpText(
      "after",
      `
Example:
  $ turnout alias set release-coordinator beta 23 --reason "24 lost a webhook"
`,
    )
    .action(set);
  defineAliasNames(command);
}

async function set(name: string, alias: string, version: string, options: MutationOptions): Promise<void> {
  await withState(async (state) => {
    const now = new Date();
    const head = await expectedHead(state.routingTable, options);
    const component = await componentNamed(state.routingTable, name);
    const from = await versionBehind(state, component, alias);
    const versions = (await state.catalog.versions(name)).map((published) => published.version);
    if (!versions.includes(version)) {
      throw new TurnoutError(
        "not found",
        `${name} has no version ${version}; it has ${versions.join(", ") || "none"}.`,
      );
    }
    const move = { component: name, alias, from, to: version };
    const json = { ...move, dry_run: options.dryRun ?? false };
    if (from === version) {
      if (options.json) printJson({ ...json, changed: false, revision: head, undo: null });
      return note(`nothing to change: ${alias} of ${name} points at version ${version} already`);
    }
    const what = `move ${alias} of ${name} from ${from ?? "nowhere"} to version ${version}`;
    if (!options.json || !options.yes) {
      note(`${what}  (routing is at revision ${head})`);
      await showAudience(state.routingTable, name, alias, now);
    }
    await refuseFrozen(state.routingTable, options);
    if (options.dryRun) {
      if (options.json) printJson({ ...json, changed: false, revision: head, undo: null });
      return note("dry run: nothing was changed");
    }
    await confirm("Move it?", options.yes ?? false);
    const revision = await moveAlias(state, move, options, now);
    const undo = undoOfMove(move, revision);
    if (options.json) return printJson({ ...json, changed: true, revision, undo });
    printLine(`revision ${revision}: ${what}`);
    noteUndo(move, undo);
  });
}
