import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { setUpConsumer } from "../../scripts/bench/embedded-rate.ts";
import { untilAtRest } from "../support/at-rest.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const REQUESTS = 8;
const SYNC_MS = 300;

const consumer = (runs: string) => `
import { appendFileSync } from "node:fs";
export const handler = async ({ detail }) => appendFileSync(${JSON.stringify(runs)}, detail.n + "\\n");
`;

test("a server on a slow disk acknowledges what is on it, stays well, and runs every event once", async () => {
  const home = temporaryFolder();
  const runs = join(temporaryFolder(), "runs.txt");
  writeFileSync(runs, "");
  await setUpConsumer(home, consumer(runs));
  const { url, end } = await startServer(home, ["--no-sample"], "./test/support/slow-disk.ts");
  const published = Array.from({ length: REQUESTS }, (_, request) =>
    Array.from({ length: 10 }, (_, n) => `${request}-${n}`),
  );
  for (const ns of published) {
    const begun = performance.now();
    expect(await put(url, ns)).toBe(true);
    // Not before it is on disk, which is what an acknowledgement says.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(SYNC_MS);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  }
  await untilAtRest(home, url);
  const ran = readFileSync(runs, "utf8").trimEnd().split("\n");
  expect(ran.toSorted()).toEqual(published.flat().toSorted());
  expect(await end("SIGTERM")).toBe(0);
});

/** Whether they were taken; all are, or none. */
async function put(url: string, ns: readonly string[]): Promise<boolean> {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" };
  const Entries = ns.map((n) => ({ Source: "bench", DetailType: "tick", Detail: JSON.stringify({ n }) }));
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ Entries }) });
  const told = (await answer.json()) as { Entries?: { EventId?: string }[] };
  return told.Entries?.every(({ EventId }) => EventId !== undefined) ?? false;
}
