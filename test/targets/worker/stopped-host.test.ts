import { once } from "node:events";
import type { Duplex } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { spawnHost } from "../../../shared/targets/worker/host-child.ts";
import { frameWriter } from "../../../shared/targets/worker/host-frames.ts";
import { COMPILED } from "../../support/compiled.ts";
import { hostsOf } from "../../support/host-processes.ts";
import { aWorkerTarget, eventually } from "./versions-in-folders.ts";

it("a host that is stopped is ended when its event's time is over, and what it ran never goes on", async () => {
  const { publish, send, told, untilTold, open } = aWorkerTarget();
  publish(
    "1",
    `export const handler = async ({ name }) => { tell(name + " begins"); await until(name); tell(name + " ends"); };`,
  );
  const stopped = send({ event: { name: "one" }, timeoutMs: 3_000 });
  await untilTold(1);
  const [host = 0, ...others] = hostsOf(process.pid);
  expect(others).toEqual([]);
  process.kill(host, "SIGSTOP");
  // Well before its lease, which is two seconds longer than its time: nobody else has begun it by then.
  expect(await stopped).toMatchObject({ outcome: "failed", error: { type: "Sandbox.Timedout" } });
  await eventually(() => !hostsOf(process.pid).includes(host));
  open("one");
  open("two");
  expect(await send({ event: { name: "two" } })).toMatchObject({ outcome: "done" });
  expect(told()).toEqual(["one begins", "two begins", "two ends"]);
});

it("a host ends with its connection to the router, also where nothing else ends it", async () => {
  const host = spawnHost({ prefix: [] }, { NODE_COMPILE_CACHE: COMPILED }, undefined);
  if (host === undefined) throw new Error("no host could be started");
  onTestFinished(() => void host.kill("SIGKILL"));
  const connection = host.stdio[3] as Duplex;
  // It answers, and so it listens.
  frameWriter(connection)(["start", 1]);
  await once(connection, "data");
  connection.destroy();
  expect(await once(host, "exit")).toEqual([null, "SIGKILL"]);
});
