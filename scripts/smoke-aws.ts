import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Row, type SmokePorts, smokeStory } from "./smoke-story.ts";

const HELP = `Usage: node scripts/smoke-aws.ts ENV [options]

Tries on a real AWS account what can't be tried without one: deploys the environment ENV and a component, publishes
events, pins a customer, has a version fail, replays, promotes and rolls back, and takes the component down again. It
costs a few cents. Each run has a component and a stack of its own, and puts the routing back as it was, so that any number
of them come one after another. Needs credentials that may deploy, and an account that 'cdk bootstrap' has prepared.

Options:
  --no-deploy  the environment is there already
  --destroy    take the environment down at the end, with all that is stored in it
  --yes        don't ask
  --help       this text
`;

const repository = join(import.meta.dirname, "..");

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

/** As the environment says of itself. */
async function busOf(environment: string): Promise<{ eventBusName: string; region: string }> {
  const { GetParameterCommand, SSMClient } = await import("@aws-sdk/client-ssm");
  const client = new SSMClient({});
  const { Parameter } = await client.send(new GetParameterCommand({ Name: `/turnout/${environment}` }));
  const settings = JSON.parse(Parameter?.Value ?? "{}") as { TURNOUT_EVENT_BUS: string; AWS_REGION: string };
  return { eventBusName: settings.TURNOUT_EVENT_BUS, region: settings.AWS_REGION };
}

/** What one run does with its environment: component, source and stack are its own, so that any number come one after another. */
async function portsOf(environment: string, name: string): Promise<SmokePorts> {
  const cli = (args: readonly string[]) => ["bin/start.js", "--env", environment, ...args];
  const source = `turnout.${name}`;
  const { createPublisher } = await import("../shared/client/publisher.ts");
  const publisher = createPublisher({ source, ...(await busOf(environment)) });
  return {
    component: name,
    source,
    turnout: (...args) => mustRun(process.execPath, cli(args)),
    async rows(...args) {
      const { stdout } = await run(process.execPath, cli(args));
      return stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Row);
    },
    async publish({ detailType, count, customer, detail = {} }) {
      const events = Array.from({ length: count }, () => {
        return { detailType, detail, subject: { customer }, idempotencyKey: randomUUID() };
      });
      await publisher.publishOrThrow(events);
    },
    deploy: (build) => mustRun("npx", smokeApp("deploy", environment, name, build, "--require-approval", "never")),
    say: (line) => console.log(line),
    now: () => Date.now(),
    delay: (ms) => delay(ms),
  };
}

function smokeApp(command: string, environment: string, name: string, build: string, ...options: string[]): string[] {
  const context = Object.entries({ env: environment, name, build }).flatMap(([key, value]) => [
    "-c",
    `${key}=${value}`,
  ]);
  return ["cdk", "--app", "node infra/smoke-app.ts", command, ...options, ...context];
}

/** The routing as it is, to be put back: a component whose function has gone stays registered otherwise. */
async function withRoutingPutBack<T>(environment: string, work: () => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "turnout-smoke-"));
  const file = join(folder, "routing.json");
  const cli = (...args: string[]) => mustRun(process.execPath, ["bin/start.js", "--env", environment, ...args]);
  try {
    await writeFile(file, await cli("export"));
    try {
      return await work();
    } finally {
      await cli("import", file, "--reason", "smoke test: the routing from before it", "--yes", "--force");
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
  const name = `smoke-${Date.now().toString(36)}`;
  console.log(`This run's component is ${name}, in the stack ${environment}-${name}, which is removed at the end.`);
  let failures: string[];
  try {
    failures = await withRoutingPutBack(environment, async () => smokeStory(await portsOf(environment, name)));
  } finally {
    await run("npx", smokeApp("destroy", environment, name, "1", "--force"));
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
