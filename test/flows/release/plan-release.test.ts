import { describe, expect, it } from "vitest";
import { releaseEdit } from "../../../shared/domain/routing/release-edit.ts";
import { aComponent, aPin } from "../../support/builders.ts";
import { aReleasing, BEGAN, minutesLater, RC } from "../../support/releases.ts";

const at = BEGAN.toISOString();

describe("a release that is planned", () => {
  it("is told whole, as it would be stored", async () => {
    const { plan, table } = await aReleasing();
    const { release, revision, edit } = await plan();
    expect(release).toEqual({
      id: "4-faster-rule",
      ...{ version: "4", alias: "beta", aliasBefore: "2", into: "stable", intoBefore: "1" },
      ...{ by: "customer", salt: "salt", everyMs: 600_000, guard: "undo", who: "ada", why: "Faster rule!" },
      ...{ startedAt: at, since: at, made: 0, own: [] },
      steps: [
        { kind: "cohort", cohort: "staff" },
        { kind: "plan", plan: "free" },
        { kind: "share", basisPoints: 500 },
        { kind: "share", basisPoints: 10_000 },
      ],
    });
    expect(revision).toBe(await table.head());
    expect(edit).toEqual(releaseEdit(RC, release, { do: "start", release }));
  });

  it("keeps how long it may wait, and that it is forced, where that is asked for", async () => {
    const { plan } = await aReleasing();
    expect((await plan({ maxWaitMs: 0, force: true })).release).toMatchObject({ maxWaitMs: 0, force: true });
    expect((await plan({ force: false })).release).not.toHaveProperty("force");
  });

  it("begins with its alias's move, and ends with that of everybody's", async () => {
    const { plan, change } = await aReleasing();
    await change({ kind: "pin", level: "customer", id: "acme", component: RC, pin: aPin({ alias: "beta" }) });
    const { move, promote } = await plan();
    expect(move?.move).toEqual({ component: RC, alias: "beta", from: "2", to: "4" });
    expect(move?.preview.moves.first.map(({ subject }) => subject)).toEqual([{ customer: "acme" }]);
    expect(promote.move).toEqual({ component: RC, alias: "stable", from: "1", to: "4" });
    expect((await plan({ version: "2" })).move).toBeUndefined();
  });

  it("moves nothing that points nowhere from anywhere", async () => {
    const { plan, change } = await aReleasing();
    await change({ kind: "apply component", component: aComponent({ name: RC, aliases: ["stable", "beta", "new"] }) });
    const { release, move } = await plan({ alias: "new" });
    expect([release.aliasBefore, move?.move]).toEqual([null, { component: RC, alias: "new", from: null, to: "4" }]);
  });

  it("shows of each step whom it moves together with those before it", async () => {
    const { plan, change } = await aReleasing();
    await change({ kind: "set plan", customer: "acme", plan: "free" });
    await change({ kind: "set plan", customer: "globex", plan: "pro" });
    const { steps } = await plan({
      steps: [
        { kind: "plan", plan: "free" },
        { kind: "plan", plan: "pro" },
        { kind: "share", basisPoints: 10_000 },
      ],
    });
    expect(steps.map(({ step }) => step.kind)).toEqual(["plan", "plan", "share"]);
    expect(steps.map(({ preview }) => preview.moves.count)).toEqual([1, 2, 2]);
    expect(steps.map(({ preview }) => preview.rows.map(({ key }) => key).toSorted())).toEqual([
      [`component#${RC}`, "plan#free"],
      [`component#${RC}`, "plan#free", "plan#pro"],
      [`component#${RC}`, "plan#free", "plan#pro"],
    ]);
    const [first] = steps;
    const row = first?.preview.rows.find(({ key }) => key === "plan#free");
    expect(row).toMatchObject({ before: null, after: { pins: { [RC]: { alias: "beta", at } } } });
    const component = first?.preview.rows.find(({ key }) => key === `component#${RC}`);
    expect(component).toMatchObject({ before: { name: RC }, after: { release: { made: 1, own: [0] } } });
    expect(component?.before).not.toHaveProperty("release");
  });
});

describe("a release's name", () => {
  it.each([
    ["4", "Faster rule!", "4-faster-rule"],
    ["4", "Überall schneller, für jeden Kunden", "4-u-berall-schneller"],
    ["4", `${"a".repeat(37)} ${"b".repeat(9)}`, `4-${"a".repeat(37)}`],
    ["Ω", "!", "release"],
  ])("of version %s because of “%s” is %s", async (version, why, id) => {
    const { plan, versions } = await aReleasing();
    versions.push("Ω");
    expect((await plan({ version, why })).release.id).toBe(id);
  });

  it("has a number where another component's has it, and is refused where it was asked for", async () => {
    const { plan, change } = await aReleasing();
    for (const [number, id] of ["4-faster-rule", "4-faster-rule-2"].entries()) {
      const name = `mailer-${number}`;
      await change({ kind: "apply component", component: aComponent({ name }) });
      const release = { ...(await plan()).release, id };
      await change(releaseEdit(name, release, { do: "start", release }));
    }
    expect((await plan()).release.id).toBe("4-faster-rule-3");
    expect((await plan({ id: "another" })).release.id).toBe("another");
    await expect(plan({ id: "4-faster-rule-2" })).rejects.toThrow(
      expect.objectContaining({
        kind: "not allowed",
        message: "There is a release '4-faster-rule-2' already. Name another.",
      }),
    );
  });
});

describe("no release is planned", () => {
  const refused = (kind: string, message: string) => expect.objectContaining({ kind, message });

  it.each([
    [{ version: "9" }, "not found", "release-coordinator has no version 9; it has 1, 2, 3, 4, 5."],
    [
      { alias: "stable" },
      "usage",
      "stable of release-coordinator is where everybody goes already. Name another alias.",
    ],
    [{ version: "1" }, "not allowed", "stable of release-coordinator points at version 1 already."],
    [{ component: "mailer" }, "not found", expect.stringContaining("mailer")],
    [{ alias: "nightly" }, "not found", expect.stringContaining("nightly")],
    [{ id: "Not a name" }, "usage", expect.stringMatching(/^Not a release: .*expected a name such as 24-faster-rule/)],
    [{ steps: [{ kind: "cohort" as const, cohort: "friends" }] }, "not found", expect.stringMatching(/friends.*staff/)],
  ])("with %j", async (about, kind, message) => {
    const { plan } = await aReleasing();
    await expect(plan(about)).rejects.toThrow(refused(kind, message as string));
  });

  it("on the alias that stands in for one that can't be had", async () => {
    const { plan, change } = await aReleasing();
    await change({ kind: "change component", component: RC, change: { set: "fallback alias", alias: "beta" } });
    await expect(plan()).rejects.toThrow("beta of release-coordinator is where everybody goes already.");
  });

  it("of a version that was found to be bad, but by force", async () => {
    const { plan, change } = await aReleasing();
    const bad = { version: "4", alias: "beta", why: "it fails", at };
    await change({ kind: "change component", component: RC, change: { set: "bad version", bad } });
    await expect(plan()).rejects.toThrow(`Version 4 was found to be bad at ${at}: it fails.`);
    expect((await plan({ force: true })).release.force).toBe(true);
    expect((await plan({ version: "5" })).release.version).toBe("5");
  });

  it("while another is under way, and in the end it is", async () => {
    const { plan, start, change, release, look } = await aReleasing();
    await start();
    await expect(plan()).rejects.toThrow("Release 4-faster of release-coordinator is under way, by ada");
    const aborted = { do: "take back", id: "4-faster", how: "aborted", who: "ada", why: "no", at } as const;
    await change(releaseEdit(RC, await release(), aborted));
    await look(minutesLater(1));
    expect((await plan({}, minutesLater(2))).release.startedAt).toBe(minutesLater(2).toISOString());
  });

  it("for a cohort where there are none", async () => {
    const { plan, change } = await aReleasing();
    await change({ kind: "remove cohort", cohort: "staff" });
    await expect(plan()).rejects.toThrow("No cohort 'staff'");
    expect((await plan({ steps: [{ kind: "share", basisPoints: 1 }] })).steps).toHaveLength(1);
  });
});
