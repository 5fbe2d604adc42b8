import { expect, it } from "vitest";
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
