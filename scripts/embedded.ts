import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import type { DeliveryReport } from "../shared/domain/deliveries/delivery-report.ts";
import { wideLine } from "../shared/domain/deliveries/wide-line.ts";
import { TurnoutError } from "../shared/domain/errors.ts";
import { plural } from "../shared/domain/text/plural.ts";
import { printable } from "../shared/domain/text/printable.ts";
import { errorText } from "../shared/installation/wording/remedy-text.ts";
import { embeddedSettings } from "../shared/settings.ts";
import { deliveryLines } from "./embedded/delivery-lines.ts";
import { startMoreSamples } from "./embedded/more-samples.ts";
import { startToken } from "./embedded/open-console.ts";
import { printOutcomes } from "./embedded/outcome-table.ts";
import { type Runtime, startRuntime } from "./embedded/runtime.ts";
import { sampleBodies, setUpSample, wantedSamples } from "./embedded/sample.ts";

const HELP = `Usage: npm start [-- options]

Runs Turnout on this machine: the front door on 127.0.0.1:4600, the router, and the versions of every component.
On a new state folder it sets up the sample component. As long as that is the only one, every start sends it GitHub's
example webhooks, with new ids as GitHub would; on a state with components of your own it sends nothing.

Options:
  --once        route what is there, print what went where, and exit: 0 if every event was delivered, else 1
  --no-sample   don't set up or send the sample
  --all-samples set up three more samples beside the release coordinator: a builder (a program, in three versions), a
                preview server (reached by two URLs) and a releaser (13 aliases, chosen by project)
  --trust-clock take the clock as right though the state was in use at another time; see README, "What becomes of an event"
  --help        this text

Environment:
  TURNOUT_HOME  the state folder (default: .turnout in the current folder)
  TURNOUT_PORT  the front door's port, 0 for any free one (default: 4600)
  TURNOUT_LOG_MB, TURNOUT_LOG_DAYS
                the most that is kept of what a version prints, and for how long (default: 20, 14)
  OTEL_EXPORTER_OTLP_ENDPOINT
                where OpenTelemetry's spans and metrics go (OTLP over HTTP), e.g. http://127.0.0.1:4318; unset: nowhere
  TURNOUT_WIDE  json: a line of JSON per delivery on stdout, for whoever collects logs; all else goes to stderr
`;

// V8 makes what once lived for long, in a stall, where the old live ever after. There it is garbage that keeps alive whatever
// it refers to: of each event 5.2 KB came to live with the old, and 1.7 KB without.
setFlagsFromString("--no-allocation-site-pretenuring");

type Print = (line: string) => void;

const printTo =
  (out: NodeJS.WritableStream): Print =>
  (line) =>
    void out.write(`${line}\n`);
const complain = (error: unknown) => {
  const told = error instanceof TurnoutError && process.env.TURNOUT_DEBUG === undefined;
  const text = told ? errorText(error) : error instanceof Error ? (error.stack ?? error.message) : String(error);
  // A stack has lines of its own; all else that isn't a letter may come from an event or a version.
  process.stderr.write(`turnout: ${text.split("\n").map(printable).join("\n")}\n`);
};

/** No delivery waits for longer: past `maxAgeMs`, at most 14 days, it is given up. */
const LONGEST_WAIT_MS = 15 * 86_400_000;

/** How often `--once` looks whether everything has come to rest. */
const LOOK_EVERY_MS = 50;

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = embeddedSettings(process.env);
  // Whatever is written in the state folder, also by versions, is for its owner alone.
  process.umask(0o077);
  // Whoever collects wide lines has nothing else on stdout.
  const out = settings.wide ? process.stderr : process.stdout;
  const print = printTo(out);
  const lines = settings.wide ? wideLines(printTo(process.stdout)) : deliveryLines(print);
  const handled = handledEvents();
  const report = (delivery: DeliveryReport) => {
    handled.add(delivery.record);
    lines.report(delivery);
  };
  const runtime = await startRuntime({ settings, report, onError: complain, trustClock: options["trust-clock"] });
  const stopped = untilStopped().then(() => print(stoppingLine(runtime.inFlight())));
  let closeSamples = () => {};
  try {
    print(`Turnout listens on ${runtime.url}, state in ${settings.home}`);
    const wanted = options.sample ? await wantedSamples(runtime.state, options["all-samples"]) : "none";
    if (wanted === "all") {
      const { previews } = await startMoreSamples(runtime.state, () => new Date(), randomUUID);
      closeSamples = previews.close;
    }
    const sent = wanted === "none" ? 0 : await sendSample(runtime, print);
    if (options.once || sent > 0) {
      const interrupted = await Promise.race([atRest(runtime).then(() => false), stopped.then(() => true)]);
      lines.flush();
      const window = { from: handled.oldest(), to: new Date(Date.now() + 1) };
      const { stored, delivered } = await printOutcomes(runtime.state.events, window, handled.messages, out);
      if (options.once) return interrupted ? 130 : delivered && stored >= sent ? 0 : 1;
    } else {
      const { visible } = await runtime.state.queue.depth(new Date());
      if (visible > 0) print(`Takes up ${visible} events that were waiting.`);
    }
    handled.stop();
    print("Stays up; Ctrl-C stops it. In another terminal try 'npx turnout events' or 'npx turnout --help'.");
    print(`Console, for a week: ${startToken(settings.home, runtime.url, new Date())}`);
    await stopped;
    lines.flush();
    return 0;
  } finally {
    await runtime.close();
    closeSamples();
  }
}

/** A line of JSON per delivery, however many there are: what is left out can't be counted. */
function wideLines(print: Print): Pick<ReturnType<typeof deliveryLines>, "report" | "flush"> {
  return {
    report(delivery) {
      const line = wideLine(delivery);
      if (line !== undefined) print(JSON.stringify(line));
    },
    flush() {},
  };
}

/** Which events this run has handled, those among them that were waiting since an earlier one. */
function handledEvents() {
  const messages = new Set<string>();
  let oldest = new Date();
  let counting = true;
  return {
    messages,
    add({ messageId, t0 }: DeliveryReport["record"]) {
      // Without one it is an outcome that is told later: its event was added when it was handed over.
      if (!counting || messageId === undefined) return;
      messages.add(messageId);
      if (t0 < oldest) oldest = t0;
    },
    oldest: () => oldest,
    /** Remembers no more: a server that stays up would remember for ever. */
    stop() {
      counting = false;
      messages.clear();
    },
  };
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: "boolean", default: false },
        sample: { type: "boolean", default: true },
        "all-samples": { type: "boolean", default: false },
        "trust-clock": { type: "boolean", default: false },
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
async function sendSample(runtime: Runtime, print: Print): Promise<number> {
  const now = new Date();
  await setUpSample(runtime.state, () => new Date(), randomUUID);
  const bodies = sampleBodies(now);
  await runtime.state.queue.send(bodies, now);
  runtime.wake();
  print(`Sent ${bodies.length} GitHub webhooks of six projects. The sample listens to some of their types:`);
  return bodies.length;
}

/** Resolves when every event is at rest in the store: no queue holds one, and the sweeper has none to look after. */
async function atRest({ state }: Runtime): Promise<void> {
  for (;;) {
    // In this order: what leaves the store's care goes to a queue, and is never in neither.
    const parked = await isAnyParked(state);
    const depths = await Promise.all(
      [state.queue, state.deadLetters, state.outcomes].map((queue) => queue.depth(new Date())),
    );
    const queued = depths.reduce((sum, { visible, inFlight }) => sum + visible + inFlight, 0);
    if (queued === 0 && !parked && !(await isAnyParked(state))) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function isAnyParked({ events }: Runtime["state"]): Promise<boolean> {
  return (await events.due(new Date(Date.now() + LONGEST_WAIT_MS), 1)).length > 0;
}

/** What is under way keeps the process for as long as the versions' grace: whoever waits is told so. */
function stoppingLine(inFlight: number): string {
  if (inFlight === 0) return "Stopping.";
  return `Stopping: finishes what is under way, up to ${plural(inFlight, "event")}. A second Ctrl-C ends it at once.`;
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

// Where nothing can be printed, as on a full disk or when the reader has gone, that alone is lost: events go on.
for (const output of [process.stdout, process.stderr]) output.on("error", () => {});

try {
  process.exitCode = await main();
} catch (error) {
  complain(error);
  process.exitCode = error instanceof TurnoutError && error.kind === "usage" ? 2 : 1;
}
