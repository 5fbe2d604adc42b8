import type { Command } from "commander";
import type { Pin } from "../../../shared/domain/routing/pin.ts";
import { pinning } from "../../../shared/installation/changes/asked-pin.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { withInstallation } from "../terminal/context.ts";
import {
  aliasName,
  type ChangeOptions,
  changeOptions,
  oneSubject,
  type PeriodOptions,
  period,
  periodOptions,
  type SubjectOptions,
  subjectOptions,
} from "../terminal/options.ts";
import { required } from "../terminal/required-option.ts";

type PinOptions = ChangeOptions &
  SubjectOptions &
  PeriodOptions & { component: string; to: string; successor?: string };

export function define(command: Command): void {
  required(subjectOptions(command), "--component <name>", "the component that it is pinned for");
  required(command, "--to <alias>", "the alias that its events go to", aliasName("--to")).option(
    "--successor <alias>",
    "where they go once that alias is retired (default: the component's fallback)",
    aliasName("--successor"),
  );
  periodOptions(command, "the pin");
  changeOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  $ turnout pin --customer acme --component release-coordinator --to beta \\
      --for 3d --reason "acme tries 23"
  $ turnout pin --user ada --component release-coordinator --to experimental \\
      --for 1d --reason "my own events first"
  $ turnout pin --plan free --component release-coordinator --to stable \\
      --reason "no experiments on free plans" --dry-run
`,
    )
    .action(pin);
}

async function pin(options: PinOptions): Promise<void> {
  const subject = { ...oneSubject(options), component: options.component };
  const now = new Date();
  const validity = period(options, "The pin", now);
  await withInstallation(async (installation) => {
    const pin: Pin = {
      ...validity,
      alias: options.to,
      ...(options.successor === undefined ? {} : { successor: options.successor }),
      who: await installation.who(),
      why: options.reason,
      at: now.toISOString(),
    };
    await changeRouting(installation, options, await pinning(installation, subject, pin, now));
  });
}
