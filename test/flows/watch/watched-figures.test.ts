import { describe, expect, it } from "vitest";
import { watcherHandler } from "../../../functions/watcher.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { moveAlias } from "../../../shared/flows/versions/move-alias.ts";
import { watchedFigures } from "../../../shared/flows/watch/watched-figures.ts";
import { aComponent } from "../../support/builders.ts";
import { memoryCatalog } from "../../support/memory-catalog.ts";
import { noEvents } from "../../support/no-events.ts";
import { aMessage, aRouter } from "../../support/router.ts";

const MINUTE_MS = 60_000;
const broken = { type: "TypeError", message: "no token" };

/** A component of which stable is at version 1, moved there by Turnout. */
async function aWatchedComponent() {
  let runs = { version: "1", fails: false };
  const router = await aRouter({
    components: [aComponent({ name: "mailer", retry: { maxAttempts: 1 } })],
    target: async () =>
      runs.fails
        ? { outcome: "failed", executedVersion: runs.version, durationMs: 5, error: broken }
        : { outcome: "done", executedVersion: runs.version, durationMs: 5 },
  });
  const { table, time, ports, events } = router;
  const { catalog, set } = memoryCatalog({ stable: "2" });
  let ids = 0;
  const move = (from: string, to: string) =>
    moveAlias(
      { table, events: noEvents, catalog, newId: () => `move-${++ids}` },
      {
        ...{ kind: "set", who: "ada", why: "a test", command: "turnout test", at: time.now() },
        move: { component: "mailer", alias: "stable", from, to },
      },
    );
  await move("2", "1");
  await time.pass(20 * MINUTE_MS);
  let sent = 0;
  const health = { events, routingTable: table, catalog };
  return {
    time,
    move,
    point: (version: string) => set("stable", version),
    async route(count: number, how: Partial<typeof runs> = {}) {
      runs = { version: "1", fails: false, ...how };
      const messages = Array.from({ length: count }, () => {
        const id = `event-${++sent}`;
        // What one customer sends in one minute counts once.
        return aMessage({ messageId: id, id, sentAt: time.now(), customer: `customer-${sent % 10}` });
      });
      await routeBatch(ports, messages);
      await ports.counter.flush();
    },
    figures: () => watchedFigures(health, time.now()),
    handler: watcherHandler({ ...health, now: time.now }),
  };
}

describe("what is told every minute of versions", () => {
  it("is that all is well, also where nothing is under way", async () => {
    const { route, figures } = await aWatchedComponent();
    expect(await figures()).toEqual({ unhealthyVersions: 0, unexpectedVersions: 0 });
    await route(5);
    expect(await figures()).toEqual({ unhealthyVersions: 0, unexpectedVersions: 0 });
  });

  it("is how many versions health warns of", async () => {
    const { route, figures, handler } = await aWatchedComponent();
    await route(40, { fails: true });
    expect(await figures()).toEqual({ unhealthyVersions: 1, unexpectedVersions: 0 });
    expect(await handler({}, {} as never)).toEqual({ unhealthyVersions: 1, unexpectedVersions: 0 });
  });

  it("is what another version ran than the one that the alias was moved to", async () => {
    const { route, figures, point, time } = await aWatchedComponent();
    point("3");
    await route(2, { version: "3" });
    await route(3);
    expect(await figures()).toMatchObject({ unexpectedVersions: 2 });
    await time.pass(7 * MINUTE_MS);
    expect(await figures()).toMatchObject({ unexpectedVersions: 0 });
  });

  it("blames nobody for what was run around a move", async () => {
    const { route, figures, move, time } = await aWatchedComponent();
    await route(3);
    expect(await move("1", "3")).toMatchObject({ settled: expect.any(Number) });
    await route(2, { version: "3" });
    expect(await figures()).toMatchObject({ unexpectedVersions: 0 });
    await time.pass(7 * MINUTE_MS);
    await route(2, { version: "1" });
    expect(await figures()).toMatchObject({ unexpectedVersions: 2 });
  });
});
