import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { originTag, requestIdOf } from "../../shared/domain/deliveries/request-id.ts";
import { logLines } from "../../shared/targets/worker/worker-output.ts";
import { aHomeForAll, aReplayedCli, RC } from "../support/replayed-cli.ts";

/** order-1 was given up at its first attempt, order-2 was done. Their versions' logs have what they wrote. */
async function printed(home: string) {
  const cli = await aReplayedCli(home);
  await cli.route({ id: "order-1", customer: "acme", fails: "1", secondsAgo: 20 }, { id: "order-2", secondsAgo: 10 });
  const [shown] = await cli.hereJson("event show order-1");
  const [delivery] = (shown?.deliveries ?? []) as { component_version: string; attempts: object[] }[];
  const requestId = requestIdOf(`${RC}#${shown?.event_key}#live`, 1);
  const folder = join(home, "logs", RC);
  mkdirSync(folder, { recursive: true });
  const now = Date.now();
  const write = (version: string, secondsAgo: number, text: string, tag?: string) =>
    appendFileSync(join(folder, `${version}.log`), logLines(new Date(now - secondsAgo * 1_000), tag, text));
  const version = String(delivery?.component_version);
  write(version, 7_200, "two hours ago");
  write(version, 19, "looks for \u001b[31mthe release", originTag({ requestId, attempt: 1, eventId: "order-1" }));
  // As hosts wrote it before lines had the event.
  write(version, 18, "Broken: it broke\n    at handler (index.mjs:3:9)", requestId);
  write("gone", 17, "of a version that is gone", originTag({ requestId: "r-9", attempt: 2, eventId: "order-9" }));
  return { ...cli, version, requestId };
}

describe("turnout logs", () => {
  const home = aHomeForAll();
  let cli: Awaited<ReturnType<typeof printed>>;
  beforeAll(async () => {
    cli = await printed(home);
  });

  it("prints what a component's versions have printed, with event and attempt, and control characters as escapes", async () => {
    const { stdout, code } = await cli.here(`logs ${RC}`);
    expect(code).toBe(0);
    expect(stdout.split("\n").map((line) => line.slice(26))).toEqual([
      `${cli.version}  order-1#1  looks for \\u001b[31mthe release`,
      `${cli.version}  ${cli.requestId}  Broken: it broke`,
      `${cli.version}  ${cli.requestId}      at handler (index.mjs:3:9)`,
      "gone  order-9#2  of a version that is gone",
      "",
    ]);
    expect((await cli.here(`logs ${RC} --version gone`)).stdout.split("\n")).toHaveLength(2);
    expect((await cli.here(`logs ${RC} --since 1d`)).stdout).toContain("two hours ago");
  });

  it("prints what was printed for one event, however it is named, as JSON too", async () => {
    const [{ event_key: key } = {}] = await cli.hereJson("event show order-1");
    const lines = await cli.hereJson(`logs ${RC} --event ${String(key).slice(0, 12)}`);
    expect(lines).toMatchObject([
      { component: RC, component_version: cli.version, event_id: "order-1", attempt: 1, request_id: cli.requestId },
      { event_id: "order-1", attempt: 1, request_id: cli.requestId, text: "Broken: it broke" },
      { text: "    at handler (index.mjs:3:9)" },
    ]);
    expect(await cli.here(`logs ${RC} --event order-2`)).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/^nothing was printed for it from \S+ to \S+\n$/),
    });
  });

  it("says that a window has no lines, and is fine with it", async () => {
    const { code, stdout, stderr } = await cli.here(`logs ${RC} --from 2026-01-01 --to 2026-01-02`);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toBe("nothing was printed from 2026-01-01T00:00:00.000Z to 2026-01-02T00:00:00.000Z\n");
  });

  it.each([
    ["logs nobody", 3, "No component 'nobody'"],
    [`logs ${RC} --version 99`, 3, `No version '99' of ${RC}; it has `],
    [`logs ${RC} --event nothing`, 3, "No event"],
    [`logs ${RC} --event order-1 -f`, 2, "Name one of --event and --follow."],
  ])("refuses %s", async (line, exitCode, told) => {
    const { code, stderr, stdout } = await cli.here(line);
    expect([code, stdout]).toEqual([exitCode, ""]);
    expect(stderr).toContain(told);
  });
});
