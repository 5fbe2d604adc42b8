import { randomBytes } from "node:crypto";
import { type Command, Option } from "commander";
import { type KeptToken, keepToken, newConsoleToken } from "../../../shared/installation/console-token.ts";
import { osUser } from "../../../shared/installation/embedded-installation.ts";
import { runningServer } from "../../../shared/installation/server-lock.ts";
import { environmentName } from "../../../shared/installation/wording/environment-name.ts";
import { serveConsole, signInAddress } from "../../embedded/open-console.ts";
import { complain } from "../terminal/complain.ts";
import { withInstallation } from "../terminal/context.ts";
import { onCtrlC } from "../terminal/on-ctrl-c.ts";
import { duration, type JsonOption, jsonOption, wholeNumber } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { embeddedHome } from "./embedded-home.ts";

type ServeOptions = JsonOption & { port: number; role: KeptToken["role"] };
type TokenOptions = JsonOption & { role: KeptToken["role"]; name?: string; for: number };

const WEEK_MS = 7 * 86_400_000;

export function define(command: Command): void {
  // A command of its own, and the one that is meant without any: else its options would take those of the other.
  const serving = command
    .command("serve", { isDefault: true })
    .description("serve the console on this machine's own address, until Ctrl-C")
    .option("--port <n>", "the port on 127.0.0.1, 0 for any free one", wholeNumber("--port", 0), 4680)
    .addOption(roleOption("what may be done there"));
  jsonOption(serving).action(serve);
  command.addHelpText(
    "after",
    `
Prints an address that signs in, and serves the console there until Ctrl-C: for
this machine's state, or with --env for an environment on AWS. It goes no
further than this machine, and does what it does with your own rights: what
AWS doesn't let you do is refused, with the policy that would allow it.

A server that runs ('npm start') has its console at /console already. 'token'
makes an address for somebody else, who may do no more than the role says:
  viewer    looks
  operator  looks, changes the routing, moves aliases
  on-call   all of this, and replays events
What they change is logged under the token's name.

Examples:
  $ turnout --env prod console
  $ turnout console token --role viewer --name ada --for 30d
`,
  );
  const making = command
    .command("token")
    .description("make an address that signs in to the console of this machine's server")
    .addOption(roleOption("what may be done with it"))
    .option("--name <name>", "who has it, for the change log (default: you)")
    .option("--for <duration>", "how long it is good", duration("--for"), WEEK_MS);
  jsonOption(making)
    .addHelpText("after", "\nExample:\n  $ turnout console token --role operator --name ada --for 8h\n")
    .action(makeToken);
}

function roleOption(description: string): Option {
  return new Option("--role <role>", description).choices(["viewer", "operator", "on-call"]).default("on-call");
}

async function serve({ port, role, json }: ServeOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const where = environmentName() ?? "on this machine";
    const onError = (error: unknown) => void complain(error);
    const { address, stop } = await serveConsole(installation, { port, role, where, now: () => new Date(), onError });
    const stopped = Promise.withResolvers<void>();
    const stopListening = onCtrlC(stopped.resolve);
    if (json) printJson({ url: address, role });
    else printLine(address);
    note("Open it in a browser. Ctrl-C ends it.");
    await stopped.promise;
    stopListening();
    await stop();
  });
}

async function makeToken({ role, name = osUser(), for: forMs, json }: TokenOptions): Promise<void> {
  const home = embeddedHome("console token");
  const now = new Date();
  const expiresAt = new Date(now.getTime() + forMs);
  const { token, kept } = newConsoleToken(randomBytes(32), { role, name, expiresAt });
  keepToken(home, kept, now);
  const port = runningServer(home)?.port;
  const url = signInAddress(`http://127.0.0.1:${port ?? 4600}`, token);
  if (json) printJson({ url, role, name, expires_at: kept.expiresAt });
  else printLine(url);
  note(
    `${role} ${name}, until ${kept.expiresAt}${port === undefined ? "; no server runs now, start it with 'npm start'" : ""}`,
  );
}
