import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkerSettings } from "../../shared/domain/routing/component.ts";
import type { TargetAddress } from "../../shared/domain/routing/target-address.ts";
import { httpTarget } from "../../shared/targets/http/http-target.ts";
import type { Target } from "../../shared/targets/target.ts";
import { findWalls } from "../../shared/targets/worker/host-walls.ts";
import { workerTarget } from "../../shared/targets/worker/worker-target.ts";
import { codeSha256, readCodeFolder } from "../../shared/versions/version-folder.ts";
import { rateOf, sendThrough } from "./send-through.ts";

const EVENTS = 5_000;
const WARM_UP = 500;
const UNDER_WAY = 64;
const WORKER = WorkerSettings.parse({ concurrency: 4, memoryMb: 512 });

/** Answers every event at once, by a connection that it keeps. */
const PROGRAM = `
  import { Agent, request } from "node:http";
  const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = (method, path, body) => new Promise((resolve, reject) => {
    request({ host, port, agent, method, path: "/2018-06-01/runtime/invocation/" + path }, (response) => {
      response.resume().on("end", () => resolve(response.headers));
    }).on("error", reject).end(body);
  });
  for (;;) {
    const headers = await call("GET", "next");
    await call("POST", headers["lambda-runtime-aws-request-id"] + "/response", "null");
  }`;

type Kind = { name: string; send: Target; address: TargetAddress; close(): Promise<void> };

/** Events a second of each kind of target that there is on this machine, one after the other in one run. */
export async function benchTargetKinds(): Promise<void> {
  console.log(`Targets by kind: ${EVENTS} events of 1 KB, ${UNDER_WAY} under way, nothing stored`);
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  try {
    const module = { "index.mjs": "export const handler = async () => null;" };
    const program = {
      "version.json": JSON.stringify({ command: [process.execPath, "main.mjs"] }),
      "main.mjs": PROGRAM,
    };
    const kinds = [
      await hosted(home, "JavaScript, 4 threads", "index.handler", module),
      await hosted(home, "a program, 4 processes", "version.json", program),
      await posted(),
    ];
    let first: number | undefined;
    for (const { name, send, address, close } of kinds) {
      const one = (n: number) => sendThrough(send, { address, worker: WORKER }, `event-${n}`);
      await rateOf(WARM_UP, UNDER_WAY, one);
      const rate = await rateOf(EVENTS, UNDER_WAY, one);
      first ??= rate;
      console.log(`  ${name}: ${Math.round(rate)} events/s, ${(rate / first).toFixed(2)} of the first`);
      await close();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function hosted(home: string, name: string, handler: string, files: Record<string, string>): Promise<Kind> {
  const folder = join(home, handler);
  mkdirSync(folder);
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  const code = { version: "1", folder, handler, codeSha256: await codeSha256(await readCodeFolder(folder), handler) };
  const options = { resolve: () => code, logs: join(home, "logs"), now: () => new Date(), walls: await findWalls() };
  const { send, close } = workerTarget(options);
  return { name, send, address: { kind: "worker" }, close };
}

async function posted(): Promise<Kind> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { send, close } = httpTarget({ now: () => new Date(), secretText: async () => "" });
  const address = { kind: "http", url: `http://127.0.0.1:${port}/`, format: "published", private: true } as const;
  const closeBoth = () => close().finally(() => server.close());
  return { name: "a URL, its server in the same process", send, address, close: closeBoth };
}
