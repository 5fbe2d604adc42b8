import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { TurnoutError } from "../shared/domain/errors.ts";
import { embeddedSettings } from "../shared/settings.ts";
import { deliveryLines } from "./embedded/delivery-lines.ts";
import { printOutcomes } from "./embedded/outcome-table.ts";
import { type Runtime, startRuntime } from "./embedded/runtime.ts";
import { sampleBodies, setUpSample, wantsSample } from "./embedded/sample.ts";

const HELP = `Usage: npm start [-- options]

Runs Turnout on this machine: the front door on 127.0.0.1:4600, the router, and the versions of every component.
On a new state folder it sets up the sample component and sends it GitHub's example webhooks.

Options:
  --once        route the sample's events, print what went where, and exit: 0 if every event was delivered, else 1
  --no-sample   don't set up or send the sample
  --help        this text

Environment:
  TURNOUT_HOME  the state folder (default: .turnout in the current folder)
  TURNOUT_PORT  the front door's port, 0 for any free one (default: 4600)
`;

const print = (line: string) => void process.stdout.write(`${line}\n`);
const complain = (error: unknown) => {
  const told = error instanceof TurnoutError && process.env.TURNOUT_DEBUG === undefined;
  process.stderr.write(`turnout: ${told ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
};

/** How often `--once` looks whether everything has come to rest. */
const LOOK_EVERY_MS = 50;

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = embeddedSettings(process.env);
  const lines = deliveryLines(print);
  const runtime = await startRuntime({ settings, report: lines.report, onError: complain });
  const stopped = untilStopped();
  try {
    print(`Turnout listens on ${runtime.url}, state in ${settings.home}`);
    const since = new Date();
    const sent = options.sample && (await wantsSample(runtime.state)) ? await sendSample(runtime, since) : 0;
    const interrupted = await Promise.race([atRest(runtime).then(() => false), stopped.then(() => true)]);
    lines.flush();
    const window = { from: since, to: new Date(Date.now() + 1) };
    const { stored, delivered } = await printOutcomes(runtime.state.events, window, print);
    if (options.once) return interrupted ? 130 : delivered && stored >= sent ? 0 : 1;
    print("Stays up; Ctrl-C stops it. In another terminal try 'npx turnout events' or 'npx turnout --help'.");
    await stopped;
    lines.flush();
    return 0;
  } finally {
    await runtime.close();
  }
}

function readOptions(): { once: boolean; sample: boolean; help: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: "boolean", default: false },
        sample: { type: "boolean", default: true },
        help: { type: "boolean", short: "h", default: false },
      },
      allowNegative: true,
    });
    return values;
  } catch (error) {
    throw new TurnoutError("usage", `${error instanceof Error ? error.message : error}. See 'npm start -- --help'.`);
  }
}

/** Sets the sample up and sends its events. Returns how many. */
async function sendSample(runtime: Runtime, now: Date): Promise<number> {
  await setUpSample(runtime.state, () => new Date(), randomUUID);
  const bodies = sampleBodies(now);
  await runtime.state.queue.send(bodies, now);
  runtime.wake();
  print(`Sent ${bodies.length} GitHub webhooks of six projects. The sample listens to some of their types:`);
  return bodies.length;
}

/** Resolves when the queue is empty: every event is then at rest in the store. */
async function atRest({ state }: Runtime): Promise<void> {
  for (;;) {
    const { visible, inFlight } = await state.queue.depth(new Date());
    if (visible + inFlight === 0) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve();
      });
    }
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  complain(error);
  process.exitCode = error instanceof TurnoutError && error.kind === "usage" ? 2 : 1;
}
