import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { AliasMove } from "../../../shared/domain/routing/alias-move.ts";
import type { MovePreview } from "../../../shared/flows/change/preview-move.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { planPublication, publishVersion } from "../../../shared/flows/versions/publish-version.ts";
import { commandLineBack, noteUndo } from "../changes/undo-of-move.ts";
import { confirm } from "../terminal/confirm.ts";
import { commandAsTyped, withNewInstallation } from "../terminal/context.ts";
import { aliasName, type ChangeOptions, changeOptions, wholeNumber } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { expectedHead, noteDrift, previewJson, refuseExceeding, showAudience } from "./move-alias.ts";
import { noteNowhere } from "./note-nowhere.ts";
import { type CodeOptions, codeToPublish, type NewVersion } from "./version-to-publish.ts";

type PublishOptions = ChangeOptions &
  CodeOptions & {
    /** `false` for `--no-alias`. */
    alias: string | false;
  };

export function define(command: Command): void {
  command
    .argument("<component>", "a component that has been applied")
    .argument("[folder]", "the version's code, of which a copy is kept; on AWS what the function has is published")
    .option(
      "--handler <file.function>",
      "what is called with each event (default: index.handler, or version.json's command; not on AWS)",
    )
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
  changeOptions(command)
    .addHelpText(
      "after",
      `
The code is loaded first, as for its first event: with the component's memory,
environment and time. What can't be loaded is refused with where and why, and
nothing is published and no alias moved. A dry run doesn't load it.

A folder with a version.json is a version in any language. The file names the
command that is started in the folder, and that asks for its events by Lambda's
Runtime API, as the clients that AWS has for Python, Go, Rust, Java and others
do:
  { "command": ["python3", "-m", "awslambdaric", "handler.handle"] }

Code that is the newest version already is not published twice.

On AWS, upload the code first, by whatever deploys it. What the function has
then is published, with its settings, if nobody changes it in between. Lambda
loads it with its first event.

Examples:
  $ turnout publish-version release-coordinator ./dist --reason "in stages"
  $ turnout publish-version release-coordinator ./dist --alias beta \\
      --description "1.4.0" --reason "for the design partners" --yes
  $ turnout --env prod publish-version release-coordinator --reason "1.4.0" \\
      --code-sha256 "$(openssl dgst -sha256 -binary dist.zip | base64)"
`,
    )
    .action(publish);
}

async function publish(name: string, folder: string | undefined, options: PublishOptions): Promise<void> {
  // Without a state there is no component either, and no reason to make one.
  await withNewInstallation(false, async (installation) => {
    const { routingTable: table, catalog, events } = installation;
    const head = await expectedHead(table, options);
    const component = await componentNamed(table, name);
    const alias = options.alias || null;
    const code = await codeToPublish(installation, component, folder, options);
    const known = code.publishedAs;
    const plan = await planPublication({ table, catalog, events }, component, alias, known, new Date());
    const { from, move, preview } = plan;
    if (!options.json || !options.yes) {
      const what =
        known === undefined
          ? `publish ${code.text} as a version of ${name}`
          : `${code.text} is version ${known} already`;
      const moving = move === undefined ? "" : `, move ${alias} from ${from ?? "nowhere"} to it`;
      note(`${what}${moving}  (routing is at revision ${head})`);
      if (move && preview) showAudience(move, preview);
    }
    if (move) await noteDrift(installation, name, move.alias);
    if (options.dryRun && options.json) {
      const what = { component: name, version: known ?? null, is_new: known === undefined, alias, from, moved: false };
      printJson({ ...what, ...previewJson(preview), changed: false, dry_run: true, revision: head, undo: null });
    }
    // A dry run ends as the publication itself would.
    if (preview) refuseExceeding(preview, options);
    if (options.dryRun) return note("dry run: nothing was published");
    if (known === undefined || move) await confirm("Publish it?", options.yes ?? false);
    const by = {
      who: await installation.who(),
      why: options.reason,
      command: commandAsTyped(),
      force: options.force ?? false,
      ...(options.expectRevision === undefined ? {} : { expectedRevision: options.expectRevision }),
    };
    const ports = { table, catalog, events, newId: randomUUID, now: () => new Date() };
    const { version, moved } = await publishVersion(ports, plan, code.publish, by);
    report(version, moved?.move, preview, moved?.revision ?? head, name, options);
    await noteNowhere(installation, component);
  });
}

function report(
  { version, codeSha256: sha, isNew }: NewVersion,
  move: AliasMove | undefined,
  preview: MovePreview | undefined,
  revision: number,
  component: string,
  options: PublishOptions,
): void {
  const undo = move === undefined ? null : commandLineBack(move, "publish", revision);
  if (!isNew) note(`unchanged: version ${version} has this code already, and was not published again`);
  if (options.json) {
    const { alias = options.alias || null, from = null } = move ?? {};
    const what = { component, version, code_sha256: sha, is_new: isNew, alias, from, moved: move !== undefined };
    const changed = isNew || move !== undefined;
    printJson({ ...what, ...previewJson(preview), changed, dry_run: false, revision, undo });
    return;
  }
  printLine(`version ${version}`);
  if (move !== undefined) {
    note(`${move.alias}: ${move.from ?? "nowhere"} → ${version}  (revision ${revision})`);
    noteUndo(move, undo);
  } else if (options.alias !== false) note(`${options.alias} points at it already`);
}
