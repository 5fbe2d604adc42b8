import { expect, test } from "vitest";
import { setUpConsumer, untilQueueIsEmpty } from "../../scripts/bench/embedded-rate.ts";
import { publishLoad } from "../../scripts/bench/publish-load.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

test("a server whose output nobody takes any more, as on a full disk, delivers on and ends in order", async () => {
  const home = temporaryFolder();
  await setUpConsumer(home);
  const { url, process: child, end } = await startServer(home);
  child.stdout?.destroy();
  child.stderr?.destroy();
  for (const round of [1, 2]) {
    // Their lines on stdout, and on stderr that of an event for a bus that there isn't.
    const entry = (n: number) => ({ Source: "bench", DetailType: "tick", Detail: JSON.stringify({ round, n }) });
    await publishLoad(url, 5, entry, { connections: 1 });
    await publishLoad(url, 1, (n) => ({ ...entry(n), EventBusName: `elsewhere-${round}` }), { connections: 1 });
    await untilQueueIsEmpty(url);
  }
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(await end("SIGTERM")).toBe(0);
});
