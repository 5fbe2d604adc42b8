import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { outsidePeriod } from "../../../shared/domain/routing/period.ts";
import { type Rollout, readShare, shareText } from "../../../shared/domain/routing/rollout.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { endingRollout, rollingOut } from "../../../shared/installation/changes/asked-rules.ts";
import { periodText } from "../../../shared/installation/wording/period-text.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { withInstallation } from "../terminal/context.ts";
import {
  aliasName,
  type ChangeOptions,
  changeOptions,
  type JsonOption,
  jsonOption,
  must,
  type PeriodOptions,
  period,
  periodOptions,
  shareId,
} from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { required } from "../terminal/required-option.ts";

type SetOptions = ChangeOptions & PeriodOptions & { to: string; share: number; by: Rollout["by"]; reshuffle?: true };

export function define(command: Command): void {
  const setting = command
    .command("set")
    .description("send a share of a component's subjects to an alias")
    .argument("<component>", "the component");
  required(setting, "--to <alias>", "the alias that the share goes to", aliasName("--to"));
  required(setting, "--share <percent>", "how much, e.g. 5% or 0.25%", share);
  required(setting, "--by <id>", "which id decides who is in it: project, customer or user", shareId);
  setting.option("--reshuffle", "draw anew who is in the share");
  changeOptions(periodOptions(setting, "the rollout"))
    .addHelpText(
      "after",
      `
Who is in the share stays in it when the share is raised, and also when --to or
--by changes: the draw is the rollout's own and is kept until --reshuffle.

Examples:
  $ turnout rollout set release-coordinator --to beta --share 5% --by customer \\
      --reason "23 looks good"
  $ turnout rollout set release-coordinator --to beta --share 5% --by customer \\
      --reshuffle --reason "the same customers always go first"
`,
    )
    .action(set);

  changeOptions(
    command.command("remove").description("end a component's rollout").argument("<component>", "the component"),
  )
    .addHelpText("after", '\nExample:\n  $ turnout rollout remove release-coordinator --reason "23 is stable now"\n')
    .action(remove);

  jsonOption(command.command("show").description("say what a component rolls out").argument("<component>"))
    .addHelpText("after", "\nExample:\n  $ turnout rollout show release-coordinator\n")
    .action(show);
}

async function set(component: string, options: SetOptions): Promise<void> {
  const { to: alias, share: basisPoints, by, reshuffle = false } = options;
  const now = new Date();
  const when = period(options, "The rollout", now);
  const salt = randomBytes(8).toString("hex");
  const about = { alias, basisPoints, by, salt, when, reshuffle };
  await withInstallation((installation) => changeRouting(installation, options, rollingOut(component, about, now)));
}

async function remove(component: string, options: ChangeOptions): Promise<void> {
  await withInstallation((installation) => changeRouting(installation, options, endingRollout(component, new Date())));
}

async function show(name: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const { rollout } = await componentNamed(routingTable, name);
    if (json) return printJson({ component: name, rollout: rollout === undefined ? null : toJson(rollout) });
    if (rollout === undefined) return note(`${name} has no rollout`);
    const outside = outsidePeriod(rollout, new Date());
    printLine(`${shareText(rollout.basisPoints)} of ${rollout.by}s to ${rollout.alias}${periodText(rollout)}`);
    if (outside !== undefined) note(`it doesn't count now: ${outside}`);
  });
}

function toJson({ alias, basisPoints, by, salt, from, until }: Rollout) {
  return {
    alias,
    share: shareText(basisPoints),
    basis_points: basisPoints,
    by,
    salt,
    from: from ?? null,
    until: until ?? null,
  };
}

function share(text: string): number {
  return must(readShare(text), "--share");
}
