import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Component } from "../../shared/domain/routing/component.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** Neither can be interrupted: one sleeps for good, the other ignores that it is told to end. */
const STUBBORN = {
  sleeper: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
  deaf: "process.on('exit', () => { for (;;); }); for (;;) await new Promise((resolve) => setTimeout(resolve, 10));",
};

test("a server that is stopped ends, whatever its versions do, and counts nothing against what it interrupted", async () => {
  const home = await aHome();
  const server = await startServer(home);
  const Entries = Object.keys(STUBBORN).map((name) => ({ Source: "stop", DetailType: name, Detail: "{}" }));
  const answer = await fetch(server.url, {
    method: "POST",
    headers: { "x-amz-target": "AWSEvents.PutEvents", "content-type": "application/x-amz-json-1.1" },
    body: JSON.stringify({ Entries }),
  });
  expect(await answer.json()).toMatchObject({ FailedEntryCount: 0 });
  await expect.poll(() => Object.keys(STUBBORN).every((name) => existsSync(join(home, `${name}.begun`)))).toBe(true);
  expect(await server.end("SIGTERM")).toBe(0);
  await expect
    .poll(server.output)
    .toMatch(/^Stopping: finishes what is under way, up to 2 events\. A second Ctrl-C .*$/m);
  // The lock is let go last: a new server starts at once.
  expect(await (await startServer(home)).end("SIGTERM")).toBe(0);

  const state = openEmbeddedState(home, { create: false });
  const entries = [];
  for await (const page of state.events.records({ from: new Date(0), to: new Date(8.64e15) }, new Date())) {
    const deliveries = await state.events.deliveriesOf(page.map(({ eventKey }) => eventKey));
    entries.push(...[...deliveries.values()].flat());
  }
  state.close();
  expect(entries).toHaveLength(2);
  for (const { failures, status } of entries) expect({ failures, status }).not.toMatchObject({ status: "dead" });
  expect(entries.map(({ failures }) => failures)).toEqual([0, 0]);
});

test("a server that is stopped while it has nothing to do says that it stops, once", async () => {
  const server = await startServer(temporaryFolder());
  await expect.poll(server.output).toContain("Console, for a week:");
  expect(await server.end("SIGINT")).toBe(0);
  await expect.poll(() => server.output().match(/^Stopping.*$/gm)).toEqual(["Stopping."]);
});

async function aHome(): Promise<string> {
  const home = temporaryFolder();
  const state = openEmbeddedState(home, { create: true });
  for (const [name, body] of Object.entries(STUBBORN)) {
    const code = join(home, `code-${name}`);
    mkdirSync(code);
    const begun = JSON.stringify(join(home, `${name}.begun`));
    writeFileSync(
      join(code, "index.mjs"),
      `import { writeFileSync } from "node:fs";
       export const handler = async () => { writeFileSync(${begun}, ""); ${body} };`,
    );
    await state.catalog.publish({ component: name, source: code, now: new Date() });
    await state.catalog.moveAlias(name, "stable", "1", null);
    const component = Component.parse({
      name,
      pattern: { "detail-type": [name] },
      aliases: { stable: {} },
      timeoutMs: 600_000,
    });
    const meta = { changeId: randomUUID(), who: "ada", why: "a test", command: "test", at: new Date() };
    await changeRoutes(state.routingTable, { edit: { kind: "apply component", component }, ...meta });
  }
  state.close();
  return home;
}
