import { copyFileSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { aWorkerTarget } from "../targets/worker/versions-in-folders.ts";

/** Python's interpreter with its packages has more than a component's 128 MB. */
const worker = { memoryMb: 256 };

/** A target whose version is the program, with the runtime client that AWS has for its language. */
function aVersion({ command, files }: { command: string[]; files: string[] }) {
  const target = aWorkerTarget();
  mkdirSync(target.folder("1"), { recursive: true });
  for (const file of files) copyFileSync(file, join(target.folder("1"), basename(file)));
  target.publish("1", { "version.json": JSON.stringify({ command }) }, { handler: "version.json" });
  return target;
}

describe.each(inject("runtimeVersions"))("AWS's runtime client for $language", (version) => {
  test("gets events one after the other and answers them", async () => {
    const { send, told, untilLogged } = aVersion(version);
    const of = { attempt: 1, eventId: "event/1#x" };
    for (const text of ["one", 'für 7% "Öl" 💥']) {
      const result = await send({ event: { do: "tell", text }, requestId: `request-${text.length}`, of, worker });
      expect(result).toEqual({ outcome: "done", executedVersion: "1", durationMs: expect.any(Number) });
    }
    expect(told()).toEqual(["request-3 one true", 'request-14 für 7% "Öl" 💥 true']);
    await untilLogged("1", "request-3#1#event%2F1%23x printed by tell\n");
    await untilLogged("1", "request-14#1#event%2F1%23x printed by tell\n");
  });

  test("tells an error in its own words, and goes on", async () => {
    const { send, told } = aVersion(version);
    const error = { type: expect.stringMatching(/./), message: `an error of ${version.language}'s` };
    expect(await send({ event: { do: "fail" }, worker })).toMatchObject({ outcome: "failed", error });
    expect(await send({ event: { do: "tell", text: "after" }, worker })).toMatchObject({ outcome: "done" });
    expect(told()).toHaveLength(1);
  });

  test("is started anew after an event that hangs, and one that ends its process", async () => {
    const { send, told } = aVersion(version);
    const hanging = await send({ event: { do: "hang" }, timeoutMs: 3_000, worker });
    expect(hanging).toMatchObject({ outcome: "failed", error: { type: "Sandbox.Timedout" } });
    const ending = await send({ event: { do: "exit" }, worker });
    const message = "the process ended with exit code 3";
    expect(ending).toMatchObject({ outcome: "failed", error: { type: "Runtime.ExitError", message } });
    expect(await send({ event: { do: "tell", text: "after" }, worker })).toMatchObject({ outcome: "done" });
    expect(told()).toHaveLength(1);
  });
});
