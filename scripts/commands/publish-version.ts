import { resolve } from "node:path";
import type { Command } from "commander";
import type { AliasMove } from "../../shared/domain/alias-move.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import type { PublishedVersion } from "../../shared/versions/version-catalog.ts";
import { codeSha256, readCodeFolder } from "../../shared/versions/version-folder.ts";
import { confirm } from "./confirm.ts";
import { withNewState } from "./context.ts";
import {
  componentNamed,
  expectedHead,
  moveAs,
  noteUndo,
  refuseFrozen,
  showAudience,
  undoOfMove,
  versionBehind,
} from "./move-alias.ts";
import { aliasName, type MutationOptions, mutationOptions, wholeNumber } from "./options.ts";
import { note, printJson, printLine } from "./output.ts";

type PublishOptions = MutationOptions & {
  handler: string;
  number?: number;
  description: string;
  /** `false` for `--no-alias`. */
  alias: string | false;
};

export function define(command: Command): void {
  command
    .argument("<component>", "a component that has been applied")
    .argument("<folder>", "the version's code; a copy is kept")
    .option("--handler <file.function>", "what is called with each event", "index.handler")
    .option("--number <n>", "the version's number (default: one more than the last)", wholeNumber("--number", 1))
    .option("--description <text>", "what is in it", "")
    .option(
      "--alias <name>",
      "the alias that is moved to it (default: experimental)",
      aliasName("--alias"),
      "experimental",
    )
    .option("--no-alias", "move no alias");
  mutationOptions(command)
    .addHelpText(
      "after",
      `
Code that is the newest version already is not published twice.

Examples:
  $ turnout publish-version release-coordinator ./dist --reason "staged releases"
  $ turnout publish-version release-coordinator ./dist --alias beta \\
      --description "1.4.0" --reason "for the design partners" --yes
`,
    )
    .action(publishVersion);
}

async function publishVersion(name: string, folder: string, options: PublishOptions): Promise<void> {
  // Without a state there is no component either, and no reason to make one.
  await withNewState(false, async (state) => {
    const now = new Date();
    const head = await expectedHead(state.routingTable, options);
    const component = await componentNamed(state.routingTable, name);
    const { alias } = options;
    const from = alias === false ? null : await versionBehind(state, component, alias);
    const known = await versionOf(state, name, folder, options.handler);
    const moves = alias !== false && (known === undefined || from !== known);
    if (!options.json || !options.yes) {
      const code =
        known === undefined ? `publish ${folder} as a version of ${name}` : `${folder} is version ${known} already`;
      note(
        `${code}${moves ? `, move ${alias} from ${from ?? "nowhere"} to it` : ""}  (routing is at revision ${head})`,
      );
      if (moves) await showAudience(state.routingTable, name, alias, now);
    }
    if (moves) await refuseFrozen(state.routingTable, "publish", options);
    if (options.dryRun) {
      const json = {
        component: name,
        version: known ?? null,
        is_new: known === undefined,
        alias: alias || null,
        from,
        moved: false,
      };
      if (options.json) printJson({ ...json, changed: false, dry_run: true, revision: head, undo: null });
      return note("dry run: nothing was published");
    }
    if (known === undefined || moves) await confirm("Publish it?", options.yes ?? false);
    const published = await publish(state, name, folder, options, now);
    const move = { component: name, alias: alias || "", from, to: published.version.version };
    const moved = alias !== false && from !== move.to;
    const revision = moved ? await moveAs(state, move, "publish", options) : head;
    report(published, moved ? move : undefined, revision, name, options);
  });
}

/** The newest version, if it has this very code; undefined when a new one would be made. */
async function versionOf({ catalog }: EmbeddedState, component: string, folder: string, handler: string) {
  const sha = await codeSha256(await readCodeFolder(resolve(folder)), handler);
  const newest = (await catalog.versions(component)).at(-1);
  return newest?.codeSha256 === sha ? newest.version : undefined;
}

function publish({ catalog }: EmbeddedState, component: string, folder: string, options: PublishOptions, now: Date) {
  const { handler, number, description } = options;
  return catalog.publish({
    component,
    source: resolve(folder),
    handler,
    description,
    ...(number === undefined ? {} : { number }),
    now,
  });
}

function report(
  { version: { version, codeSha256: sha }, isNew }: PublishedVersion,
  move: AliasMove | undefined,
  revision: number,
  component: string,
  options: PublishOptions,
): void {
  const undo = move === undefined ? null : undoOfMove(move, revision);
  if (!isNew) note(`unchanged: version ${version} has this code already, and was not published again`);
  if (options.json) {
    const { alias = options.alias || null, from = null } = move ?? {};
    const what = { component, version, code_sha256: sha, is_new: isNew, alias, from, moved: move !== undefined };
    printJson({ ...what, changed: isNew || move !== undefined, dry_run: false, revision, undo });
    return;
  }
  printLine(`version ${version}`);
  if (move !== undefined) {
    note(`${move.alias}: ${move.from ?? "nowhere"} → ${version}  (revision ${revision})`);
    noteUndo(move, undo);
  } else if (options.alias !== false) note(`${options.alias} points at it already`);
}
