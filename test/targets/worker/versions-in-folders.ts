import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { WorkerSettings } from "../../../shared/domain/routing/component.ts";
import type { Send } from "../../../shared/targets/target.ts";
import { findWalls } from "../../../shared/targets/worker/host-walls.ts";
import { type WorkerTargetOptions, workerTarget } from "../../../shared/targets/worker/worker-target.ts";
import { codeSha256, readCodeFolder } from "../../../shared/versions/version-folder.ts";
import { COMPILED } from "../../support/compiled.ts";
import { type OnFinished, temporaryFolder } from "../../support/tmp.ts";

export type AboutSend = Partial<Omit<Send, "worker" | "payload">> & {
  event?: object;
  worker?: Partial<WorkerSettings>;
};

/** Code is a module's text (`index.mjs`) or files by their paths. */
export type Code = string | Record<string, string>;

/** What a handler may call, in every module: it writes to a file what the test reads, and waits for the test. */
const TOOLS = `
  import { appendFileSync as append, existsSync as exists } from "node:fs";
  const tell = (text) => append(process.env.TOLD, text + "\\n");
  const open = (gate) => exists(process.env.TOLD + "." + gate);
  const until = async (gate) => { while (!open(gate)) await new Promise((resolve) => setTimeout(resolve, 2)); };
`;

const walls = await findWalls();

/** A target with versions in a temporary folder. Aliases move as the test says. */
export function aWorkerTarget(options: Partial<WorkerTargetOptions> = {}, onFinished: OnFinished = onTestFinished) {
  const home = temporaryFolder(onFinished);
  const logs = join(home, "logs");
  const toldFile = join(home, "told");
  const aliases = new Map<string, { version: string; folder: string; handler: string; codeSha256: string }>();
  const digests = new Set<Promise<void>>();
  const target = workerTarget({
    resolve: (component, alias) => aliases.get(`${component} ${alias}`),
    logs,
    now: () => new Date(),
    walls,
    graceMs: 0,
    ...options,
  });
  onFinished(() => target.close());
  let sends = 0;

  /** Makes a version of `example-consumer` and points an alias, `stable` by default, at it. */
  function publish(version: string, code: Code, { alias = "stable", handler = "index.handler" } = {}): void {
    const folder = join(home, "versions", version);
    const files = typeof code === "string" ? { "index.mjs": TOOLS + code } : code;
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    point(alias, version, handler);
  }

  function point(alias: string, version: string, handler = "index.handler"): void {
    const code = { version, folder: join(home, "versions", version), handler, codeSha256: "" };
    aliases.set(`example-consumer ${alias}`, code);
    const digested = digestOf(code).then((sha) => {
      code.codeSha256 = sha;
      digests.delete(digested);
    });
    digests.add(digested);
  }

  function send({ event = {}, worker = {}, ...about }: AboutSend = {}) {
    const environment = { TOLD: toldFile, NODE_COMPILE_CACHE: COMPILED, ...worker.environment };
    const whole: Send = {
      component: "example-consumer",
      alias: "stable",
      address: { kind: "worker" },
      invocation: { kind: "sync" },
      subject: {},
      worker: WorkerSettings.parse({ concurrency: 1, ...worker, environment }),
      payload: JSON.stringify(event),
      idempotencyKey: `key-${++sends}`,
      lapses: 0,
      requestId: `request-${sends}`,
      // However busy the machine is.
      timeoutMs: 300_000,
      latestStart: new Date(Date.now() + 600_000),
      ...about,
    };
    return digests.size === 0 ? target.send(whole) : Promise.all(digests).then(() => target.send(whole));
  }

  /** The lines that handlers have told so far. */
  const told = () => (existsSync(toldFile) ? readFileSync(toldFile, "utf8").trimEnd().split("\n") : []);
  const logOf = (version: string) => {
    const file = join(logs, "example-consumer", `${version}.log`);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };

  return {
    target,
    publish,
    point,
    folder: (version: string) => join(home, "versions", version),
    /** Resolves once the digests of what was published are known. */
    digested: () => Promise.all(digests),
    retire: (alias: string) => aliases.delete(`example-consumer ${alias}`),
    send,
    told,
    /** Where they tell it: the variable `TOLD` of their environment. */
    toldFile,
    untilTold: (lines: number) => eventually(() => told().length >= lines),
    /** Lets handlers that wait for the gate go on. */
    open: (gate: string) => appendFileSync(`${toldFile}.${gate}`, ""),
    log: logOf,
    untilLogged: (version: string, text: string) => eventually(() => logOf(version).includes(text)),
  };
}

/** The digest that the catalog would have; of a folder that can't be a version, any. */
function digestOf({ folder, handler }: { folder: string; handler: string }): Promise<string> {
  return readCodeFolder(folder).then(
    (code) => codeSha256(code, handler),
    () => "",
  );
}

/** Waits for what other threads bring about. */
export async function eventually(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 5 }).toBe(true);
}
