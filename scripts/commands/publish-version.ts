import type { Command } from "commander";
import type { AliasMove } from "../../shared/domain/alias-move.ts";
import { confirm } from "./confirm.ts";
import { withNewState } from "./context.ts";
import {
  componentNamed,
  expectedHead,
  moveAs,
  noteDrift,
  noteUndo,
  refuseFrozen,
  showAudience,
  undoOfMove,
  versionBehind,
} from "./move-alias.ts";
import { aliasName, type MutationOptions, mutationOptions, wholeNumber } from "./options.ts";
import { note, printJson, printLine } from "./output.ts";
import { type CodeOptions, codeToPublish, type NewVersion } from "./version-to-publish.ts";

type PublishOptions = MutationOptions &
  CodeOptions & {
    /** `false` for `--no-alias`. */
    alias: string | false;
  };

export function define(command: Command): void {
  command
    .argument("<component>", "a component that has been applied")
    .argument("[folder]", "the version's code, of which a copy is kept; on AWS what the function has is published")
    .option("--handler <file.function>", "what is called with each event (default: index.handler; not on AWS)")
    .option("--number <n>", "the version's number (default: one more; not on AWS)", wholeNumber("--number", 1))
    .option("--code-sha256 <hash>", "refuse other code than this, in base64 or hexadecimal (only on AWS)")
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

On AWS, upload the code first, by whatever deploys it. What the function has then
is published, with its settings, if nobody changes it in between.

Examples:
  $ turnout publish-version release-coordinator ./dist --reason "staged releases"
  $ turnout publish-version release-coordinator ./dist --alias beta \\
      --description "1.4.0" --reason "for the design partners" --yes
  $ turnout --env prod publish-version release-coordinator --reason "1.4.0" \\
      --code-sha256 "$(openssl dgst -sha256 -binary dist.zip | base64)"
`,
    )
    .action(publishVersion);
}

async function publishVersion(name: string, folder: string | undefined, options: PublishOptions): Promise<void> {
  // Without a state there is no component either, and no reason to make one.
  await withNewState(false, async (state) => {
    const now = new Date();
    const head = await expectedHead(state.routingTable, options);
    const component = await componentNamed(state.routingTable, name);
    const { alias } = options;
    const from = alias === false ? null : await versionBehind(state, component, alias);
    const code = await codeToPublish(state, name, folder, options);
    const known = code.publishedAs;
    const moves = alias !== false && (known === undefined || from !== known);
    if (!options.json || !options.yes) {
      const what =
        known === undefined
          ? `publish ${code.text} as a version of ${name}`
          : `${code.text} is version ${known} already`;
      note(
        `${what}${moves ? `, move ${alias} from ${from ?? "nowhere"} to it` : ""}  (routing is at revision ${head})`,
      );
      if (moves) await showAudience(state.routingTable, name, alias, now);
    }
    if (moves) await noteDrift(state, name, alias);
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
    const published = await code.publish(now);
    const move = { component: name, alias: alias || "", from, to: published.version };
    const moved = alias !== false && from !== move.to;
    const revision = moved ? await moveAs(state, move, "publish", options) : head;
    report(published, moved ? move : undefined, revision, name, options);
  });
}

function report(
  { version, codeSha256: sha, isNew }: NewVersion,
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
