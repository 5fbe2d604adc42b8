import type { Command } from "commander";
import type { Pin } from "../../shared/domain/pin.ts";
import { changeRouting } from "./change-routing.ts";
import { who, withState } from "./context.ts";
import {
  aliasName,
  duration,
  type MutationOptions,
  mutationOptions,
  oneSubject,
  type SubjectOptions,
  subjectOptions,
  time,
  usage,
} from "./options.ts";
import { commandForPinBefore, pinDetails } from "./pin-command.ts";

type PinOptions = MutationOptions &
  SubjectOptions & { component: string; to: string; from?: Date; until?: Date; for?: number };

export function define(command: Command): void {
  subjectOptions(command)
    .requiredOption("--component <name>", "the component that it is pinned for")
    .requiredOption("--to <alias>", "the alias that its events go to", aliasName("--to"))
    .option("--for <duration>", "how long the pin counts, e.g. 3d, 12h", duration("--for"))
    .option("--until <time>", "until when it counts (default: until it is taken away)", time("--until"))
    .option("--from <time>", "from when it counts (default: at once)", time("--from"));
  mutationOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  $ turnout pin --customer acme --component release-coordinator --to beta \\
      --for 3d --reason "acme tries 23"
  $ turnout pin --plan free --component release-coordinator --to stable \\
      --reason "no experiments on free plans" --dry-run
`,
    )
    .action(pin);
}

async function pin(options: PinOptions): Promise<void> {
  const subject = { ...oneSubject(options), component: options.component };
  const { level, id, component } = subject;
  const now = new Date();
  const pin: Pin = {
    ...period(options, now),
    alias: options.to,
    who: who(),
    why: options.reason,
    at: now.toISOString(),
  };
  await withState(({ routingTable }) =>
    changeRouting(routingTable, options, {
      edit: { kind: "pin", level, id, component, pin },
      what: `pin ${level} ${id} of ${component} to ${pin.alias}${pin.until === undefined ? "" : ` until ${pin.until}`}`,
      alreadySo: `${level} ${id} has this very pin already`,
      details: (rows) => pinDetails(component, rows),
      undo: (made) => commandForPinBefore(subject, made, now),
      now,
    }),
  );
}

function period(options: PinOptions, now: Date): Pick<Pin, "from" | "until"> {
  const { from, for: forMs } = options;
  if (options.until !== undefined && forMs !== undefined) throw usage("Name one of --for and --until.");
  const until = forMs === undefined ? options.until : new Date((from ?? now).getTime() + forMs);
  if (from !== undefined && until !== undefined && until <= from) throw usage("The pin would end before it starts.");
  return { ...(from && { from: from.toISOString() }), ...(until && { until: until.toISOString() }) };
}
