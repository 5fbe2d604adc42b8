import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

const HELP = `Usage: node scripts/smoke-aws.ts ENV [options]

Tries on a real AWS account what can't be tried without one: deploys the environment ENV and a component, publishes
events, pins a customer, has a version fail, replays, promotes and rolls back, and takes the component down again. It
costs a few cents. Needs credentials that may deploy, and an account that 'cdk bootstrap' has prepared.

Options:
  --no-deploy  the environment is there already
  --destroy    take the environment down at the end, with all that is stored in it
  --yes        don't ask
  --help       this text
`;

/** How long something may take that takes seconds. */
const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 2_000;
const EVENTS = 20;
const COMPONENT = "smoke-echo";

const repository = join(import.meta.dirname, "..");
const failures: string[] = [];

type Output = { code: number | null; stdout: string };

/** Runs a command of the repository; what it says of itself is shown. */
function run(command: string, args: readonly string[]): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: repository, stdio: ["inherit", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.on("error", reject).on("close", (code) => resolve({ code, stdout }));
  });
}

async function mustRun(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}`);
  return stdout;
}

function check(what: string, holds: boolean): void {
  console.log(`${holds ? "ok    " : "FAILED"}  ${what}`);
  if (!holds) failures.push(what);
}

function smoke(environment: string) {
  const turnout = (...args: string[]) =>
    mustRun(process.execPath, ["scripts/turnout.ts", "--env", environment, ...args]);
  const json = async (...args: string[]): Promise<Record<string, unknown>[]> =>
    (await turnout(...args, "--json"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));

  /** Publishes events of one customer, under a run's own keys. */
  async function publish(customer: string, what: string, count: number, detail: object = {}): Promise<void> {
    const { createPublisher } = await import("../shared/client/publisher.ts");
    const { eventBusName, region } = await busOf(environment);
    const publisher = createPublisher({ source: "turnout.smoke", eventBusName, region });
    const idempotencyKey = (n: number) => `${what}-${n}-${randomUUID()}`;
    const events = Array.from({ length: count }, (_, n) => ({
      detailType: what,
      detail,
      subject: { customer },
      idempotencyKey: idempotencyKey(n),
    }));
    await publisher.publishOrThrow(events);
  }

  /** Waits until so many events of this type have come to this status. */
  async function untilAll(what: string, status: string, count: number): Promise<Record<string, unknown>[]> {
    const pattern = JSON.stringify({ "detail-type": [what] });
    let found: Record<string, unknown>[] = [];
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(LOOK_EVERY_MS)) {
      found = await json("events", "--since", "30m", "--status", status, "--pattern", pattern);
      if (found.length >= count) break;
    }
    check(`${count} events '${what}' are ${status}`, found.length === count);
    return found;
  }

  return { turnout, json, publish, untilAll };
}

/** As the environment says of itself. */
async function busOf(environment: string): Promise<{ eventBusName: string; region: string }> {
  const { GetParameterCommand, SSMClient } = await import("@aws-sdk/client-ssm");
  const client = new SSMClient({});
  const { Parameter } = await client.send(new GetParameterCommand({ Name: `/turnout/${environment}` }));
  const settings = JSON.parse(Parameter?.Value ?? "{}") as { TURNOUT_EVENT_BUS: string; AWS_REGION: string };
  return { eventBusName: settings.TURNOUT_EVENT_BUS, region: settings.AWS_REGION };
}

function deployComponent(environment: string, build: string): Promise<string> {
  const context = ["-c", `env=${environment}`, "-c", `build=${build}`];
  return mustRun("npx", [
    "cdk",
    "--app",
    "node infra/smoke-app.ts",
    "deploy",
    "--require-approval",
    "never",
    ...context,
  ]);
}

async function story(environment: string): Promise<void> {
  const { turnout, json, publish, untilAll } = smoke(environment);
  console.log("A component, twice: build 1 becomes stable and beta, build 2 experimental");
  await deployComponent(environment, "1");
  const because = ["--reason", "smoke test", "--yes"];
  for (const alias of ["stable", "beta"]) await turnout("promote", COMPONENT, "experimental", alias, ...because);
  await deployComponent(environment, "2");
  const aliases = await json("aliases", COMPONENT);
  const versionOf = (alias: string) => aliases.find((one) => one.alias === alias)?.version;
  check("a deployment moves experimental alone", versionOf("stable") !== versionOf("experimental"));
  const findings = await run(process.execPath, ["scripts/turnout.ts", "--env", environment, "doctor"]);
  check("doctor finds nothing wrong", findings.code === 0);

  console.log("Events go where their customer is pinned to");
  await publish("smoke", "plain", EVENTS);
  const plain = await untilAll("plain", "done", EVENTS);
  check(
    "by the stable version",
    plain.every((one) => one.component_version === versionOf("stable")),
  );
  await turnout(
    "pin",
    "--customer",
    "smoke",
    "--component",
    COMPONENT,
    "--to",
    "experimental",
    "--for",
    "1h",
    ...because,
  );
  await publish("smoke", "pinned", EVENTS);
  const pinned = await untilAll("pinned", "done", EVENTS);
  check(
    "by the experimental version once pinned",
    pinned.every((one) => one.component_version === versionOf("experimental")),
  );

  console.log("A version that fails, and a replay that puts it right");
  await publish("smoke", "failing", EVENTS, { failsIn: "2" });
  await untilAll("failing", "dead", EVENTS);
  await turnout("unpin", "--customer", "smoke", "--component", COMPONENT, ...because);
  const pattern = JSON.stringify({ "detail-type": ["failing"] });
  const window = ["--since", "30m", "--pattern", pattern, "--at-most", String(EVENTS)];
  await turnout("replay", "start", ...window, "--mode", "finish", "--name", `smoke-${Date.now()}`, ...because);
  const finished = await untilAll("failing", "done", EVENTS);
  check(
    "finished by the stable version",
    finished.every((one) => one.component_version === versionOf("stable")),
  );

  console.log("Promote and roll back");
  await turnout("promote", COMPONENT, "experimental", "stable", ...because);
  await turnout("rollback", COMPONENT, "stable", ...because);
  const after = await json("aliases", COMPONENT);
  check("stable is where it was", after.find((one) => one.alias === "stable")?.version === versionOf("stable"));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "no-deploy": { type: "boolean", default: false },
      destroy: { type: "boolean", default: false },
      yes: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [environment] = positionals;
  if (values.help || environment === undefined) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  if (environment === "prod") throw new Error("This is nothing for prod: name another environment, such as smoke.");
  if (!values.yes)
    throw new Error(`This deploys to the account of your credentials. Add --yes to do it, as '${environment}'.`);
  if (!values["no-deploy"]) await mustRun("npm", ["run", "deploy", "--", environment, "--require-approval", "never"]);
  try {
    await story(environment);
  } finally {
    await run("npx", ["cdk", "--app", "node infra/smoke-app.ts", "destroy", "--force", "-c", `env=${environment}`]);
    if (values.destroy) await run("npm", ["run", "destroy", "--", environment, "--force"]);
  }
  console.log(
    failures.length === 0 ? "All of it holds." : `${failures.length} of it don't hold: ${failures.join("; ")}.`,
  );
  return failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`smoke-aws: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
