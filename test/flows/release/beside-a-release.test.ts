import { expect, it } from "vitest";
import { releaseEdit } from "../../../shared/domain/routing/release-edit.ts";
import type { Row, RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { planRestore } from "../../../shared/flows/change/restore-routing.ts";
import { aComponent } from "../../support/builders.ts";
import { aGuardedRelease } from "../../support/guarded-release.ts";
import { aReleasing, BEGAN, minutesLater, RC } from "../../support/releases.ts";
import { allRowsOf } from "../../support/routing-table.ts";

type Releasing = Awaited<ReturnType<typeof aReleasing>>;

const said = { who: "grace", why: "lunch", at: BEGAN.toISOString() };

/** Every row, as an export has it. */
const exported = async ({ table }: Releasing) => (await allRowsOf(table)) as Map<RowKey, Row>;

async function imported({ table, change }: Releasing, rows: Map<RowKey, Row>): Promise<void> {
  for (const step of (await planRestore(table, rows)).steps) await change(step, { who: "grace", why: "as it was" });
}

it("an import of how things were at an earlier step takes the release back to it, and it goes on from there", async () => {
  const world = await aReleasing();
  const { start, look, release, component, versionOf, rules } = world;
  const before = await rules();
  await start();
  for (const minutes of [0, 10]) await look(minutesLater(minutes));
  const file = await exported(world);
  for (const minutes of [20, 30]) await look(minutesLater(minutes));
  await imported(world, file);
  expect([(await release()).made, (await component()).rollout]).toEqual([2, undefined]);
  expect(await look(minutesLater(31))).toEqual(["step"]);
  expect((await component()).rollout).toMatchObject({ basisPoints: 500 });
  for (const minutes of [41, 51]) await look(minutesLater(minutes));
  expect([versionOf("stable"), (await release()).ended?.how, await rules()]).toEqual(["4", "done", before]);
});

it("an import of how things were before a release takes its rules away and the release with them", async () => {
  const world = await aReleasing();
  const { start, look, rules, component, versionOf } = world;
  const before = await rules();
  const file = await exported(world);
  await start();
  for (const minutes of [0, 10, 20]) await look(minutesLater(minutes));
  await imported(world, file);
  expect([await rules(), (await component()).release]).toEqual([before, undefined]);
  expect(await look(minutesLater(60))).toEqual([]);
  // Where aliases point is no part of an export.
  expect([versionOf("beta"), versionOf("stable")]).toEqual(["4", "1"]);
});

it("an import of a release that was taken back since moves nobody: it pauses", async () => {
  const world = await aReleasing();
  const { start, look, change, release, versionOf } = world;
  await start();
  for (const minutes of [0, 10, 20]) await look(minutesLater(minutes));
  const file = await exported(world);
  await change(releaseEdit(RC, await release(), { do: "take back", id: "4-faster", how: "aborted", ...said }));
  await look(minutesLater(21));
  await imported(world, file);
  expect(await look(minutesLater(60))).toEqual(["pause"]);
  expect([versionOf("beta"), versionOf("stable")]).toEqual(["2", "1"]);
});

it("an import of a release that has brought everybody to its version since ends it again", async () => {
  const world = await aReleasing();
  const { start, look, release, rules, versionOf } = world;
  const before = await rules();
  await start();
  for (const minutes of [0, 10, 20]) await look(minutesLater(minutes));
  const file = await exported(world);
  for (const minutes of [30, 40]) await look(minutesLater(minutes));
  expect((await release()).ended?.how).toBe("done");
  await imported(world, file);
  await look(minutesLater(60));
  expect([versionOf("stable"), (await release()).ended?.how, await rules()]).toEqual(["4", "done", before]);
});

it("an operator's guard and the release's, which both act, take its alias back once and repair what failed", async () => {
  const world = await aGuardedRelease({ fails: (_, version) => version === "24", before: 30 });
  expect(world.versionOf("beta")).toBe("24");
  await world.traffic(18);
  for (let round = 0; round < 4; round++) {
    await Promise.allSettled([world.look(), world.advance(), world.look(), world.advance()]);
    await world.time.pass(61_000);
  }
  const moves = (await world.log()).flatMap(({ move, who }) =>
    move?.stage === "settled" ? [`${who} ${move.to}`] : [],
  );
  expect(moves).toEqual(["release/24-faster 24", expect.stringMatching(/ 23$/)]);
  expect(await world.component()).toMatchObject({ release: { ended: { how: "stopped" } } });
  expect((await world.component())?.rollout).toBeUndefined();
  await world.drive();
  expect(await world.unresolved()).toEqual([]);
});

it("a component whose row is damaged costs itself: others' releases go on, and its own once the row is whole", async () => {
  const world = await aGuardedRelease();
  await world.change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
  const row = await world.component();
  if (row === undefined) expect.unreachable();
  const beside = async (key: RowKey) => {
    world.damage(key, "{");
    await world.traffic(9);
    await world.look();
    await world.advance();
  };
  await beside(`component#${RC}`);
  expect([world.versionOf("stable"), await world.component()]).toEqual(["22", undefined]);
  await world.change({ kind: "put rows", rows: [{ key: `component#${RC}`, row }] });
  await beside("component#mailer");
  await world.traffic(9);
  await world.look();
  await world.advance();
  expect(await world.component()).toMatchObject({ release: { ended: { how: "done" } } });
  expect(world.versionOf("stable")).toBe("24");
});
