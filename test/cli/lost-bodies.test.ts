import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { aReplayedCli } from "../support/replayed-cli.ts";

/** Two small events, and a large one between them whose file has been deleted. */
async function aStateWithoutABody() {
  const cli = await aReplayedCli();
  await cli.route({ id: "e-1", customer: "acme" }, { id: "e-2", customer: "acme", large: true }, { id: "e-3" });
  const folder = join(cli.home, "bodies");
  const [file = "no file"] = readdirSync(folder);
  rmSync(join(folder, file));
  return { ...cli, file };
}

describe("an event whose body file is missing", () => {
  it("is listed with the reason, and shown, and keeps nothing else from being listed", async () => {
    const { here, hereJson, file } = await aStateWithoutABody();
    const problem = expect.stringMatching(new RegExp(`^the body can't be read from .*${file}`));
    const found = (await hereJson("events")).map(({ event_id, status, error_type }) => [event_id, status, error_type]);
    expect(found).toEqual([
      ["e-1", "done", null],
      ["e-2", "done", "BodyUnavailable"],
      ["e-3", "done", null],
    ]);
    expect(await hereJson("event show e-2")).toMatchObject([{ event: null, unavailable: problem }]);
    expect((await here("event show e-2")).stdout).toMatch(/body +unavailable: the body can't be read from /);
    expect((await here("explain --event e-2")).stdout).toMatch(/body +unavailable: the body can't be read from /);
  });

  it("is skipped by a replay, as its plan says, and the others are delivered", async () => {
    const { here, hereJson, drive } = await aStateWithoutABody();
    expect((await here("replay plan --since 1h")).stdout).toContain("1 body unavailable: its body is lost or damaged");
    const [planned] = await hereJson("replay plan --customer acme");
    expect(planned).toMatchObject({ matched: 2, sent: 1, skipped: { "body unavailable": 1 } });
    const started = await here("replay start --since 1h --yes --detach --name r", "--reason", "a test");
    expect(started.code).toBe(0);
    await drive("r");
    expect(await hereJson("replay show r")).toMatchObject([
      { status: "done", counts: { sent: 2, done: 2, skipped: { "body unavailable": 1 } } },
    ]);
  });
});
