import { expect, it, vi } from "vitest";
import { findWalls } from "../../../shared/targets/worker/host-walls.ts";
import { aWorkerTarget } from "./versions-in-folders.ts";

it("a version sees nothing of the server's environment, and no process but its own in /proc", async () => {
  // Where namespaces aren't to be had, doctor says that this doesn't hold.
  expect(await findWalls()).toMatchObject({ prefix: expect.arrayContaining(["unshare"]) });
  vi.stubEnv("SECRET_OF_THE_SERVER", "hunter2");
  try {
    const { publish, send, told } = aWorkerTarget();
    publish(
      "1",
      `import { readdirSync, readFileSync } from "node:fs";
      const read = (path) => { try { return readFileSync(path, "utf8"); } catch { return ""; } };
      export const handler = async () => {
        const processes = readdirSync("/proc").filter((name) => /^\\d+$/.test(name));
        const seen = processes.map((name) => read("/proc/" + name + "/environ") + read("/proc/" + name + "/cmdline"));
        tell(JSON.stringify([process.env.SECRET_OF_THE_SERVER ?? null, seen.join().includes("hunter2"), processes.length]));
      };`,
    );
    expect(await send()).toMatchObject({ outcome: "done" });
    expect(JSON.parse(told()[0] ?? "")).toEqual([null, false, 1]);
  } finally {
    vi.unstubAllEnvs();
  }
});
