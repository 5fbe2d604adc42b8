import { type Command, Option } from "commander";
import { type GuardMode, guardModes } from "../../../shared/domain/routing/guard-rule.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { guardsOf } from "../../../shared/flows/watch/guards-of.ts";
import { guarding, unguarding } from "../../../shared/installation/changes/asked-guard.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { printChanges } from "../changes/history.ts";
import { withInstallation } from "../terminal/context.ts";
import {
  aliasName,
  type ChangeOptions,
  changeOptions,
  type JsonOption,
  jsonOption,
  usage,
  wholeNumber,
} from "../terminal/options.ts";
import { showGuards } from "./guard-show.ts";

type SetOptions = ChangeOptions & { mode: GuardMode; all?: true };

export function define(command: Command): void {
  const setting = command
    .command("set")
    .description("have an alias's version watched")
    .argument("<component>", "the component")
    .argument("<alias>", "the alias that is guarded", aliasName("The alias"))
    .addOption(
      new Option("--mode <mode>", "what is done about a version that is worse").choices(guardModes).default("watch"),
    )
    .option("--all", "with --mode undo: also run again what the version has done");
  changeOptions(setting)
    .addHelpText(
      "after",
      `
The version behind the alias is compared with stable's at the same time, and with
what the same customers saw in the seven days before it came. It is worse only if
both say so beyond doubt: a healthy version is called that in at most one of 1,000
days, however often it is looked at. Before anything is done the ledger is counted.
  watch     says so in the change log and by an event on the bus
  hold      the same, and a release goes no further. A customer for whom alone it is
            worse than before is taken off it: pinned to the fallback alias
  rollback  the same, and the alias goes back to what was promoted there before, or to
            stable's version
  undo      the same, and what the version left unresolved is finished there; also
            for a customer who is taken off
The version is marked: no alias is moved to it any more without --force. A freeze
and all-stable stand against a rollback until they end. Neither guardrails nor
'component apply' stand against a guard, or take it away.

Example:
  $ turnout guard set release-coordinator beta --mode undo --reason "24 is new"
`,
    )
    .action(set);

  const clearing = command
    .command("clear")
    .description("have an alias's version watched no more")
    .argument("<component>", "the component")
    .argument("<alias>", "the alias that is guarded", aliasName("The alias"));
  changeOptions(clearing)
    .addHelpText("after", '\nExample:\n  $ turnout guard clear release-coordinator beta --reason "24 is stable now"\n')
    .action(clear);

  jsonOption(
    command.command("show").description("say how guarded versions do").argument("[component]", "only this one"),
  )
    .addHelpText(
      "after",
      `
A line per guarded alias, and one for every version that was found to be worse.
  A     odds against chance that it fails, is slow, or gives no outcome, more
        often than stable
  B     the same, than it was for the same customers before; it takes both, at
        3,000 to 1, to act, and at 300 to 1 a person should look

Example:
  $ turnout guard show release-coordinator
`,
    )
    .action(show);

  jsonOption(
    command
      .command("history")
      .description("list what guards have done")
      .argument("[component]", "only this one")
      .option("--limit <n>", "only the newest n", wholeNumber("--limit", 1)),
  )
    .addHelpText("after", "\nExample:\n  $ turnout guard history release-coordinator\n")
    .action(history);
}

async function set(component: string, alias: string, options: SetOptions): Promise<void> {
  const { mode, all } = options;
  if (all && mode !== "undo") throw usage("--all says what --mode undo runs again; name both.");
  const now = new Date();
  await withInstallation(async (installation) => {
    const said = { who: await installation.who(), why: options.reason, at: now.toISOString() };
    const asked = { component, alias, mode, all: all ?? false };
    await changeRouting(installation, options, await guarding(installation, asked, said, now));
  });
}

async function clear(component: string, alias: string, options: ChangeOptions): Promise<void> {
  await withInstallation((installation) =>
    changeRouting(installation, options, unguarding(component, alias, new Date())),
  );
}

async function show(component: string | undefined, { json }: JsonOption): Promise<void> {
  await withInstallation(async (installation) => showGuards(await guardsOf(installation, component), json ?? false));
}

async function history(component: string | undefined, { json, limit }: JsonOption & { limit?: number }): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const names =
      component === undefined ? (await routingTable.components()).components.map(({ name }) => name) : [component];
    if (component !== undefined) await componentNamed(routingTable, component);
    await printChanges(routingTable, { who: names.map((name) => `guard/${name}`) }, limit, json ?? false);
  });
}
