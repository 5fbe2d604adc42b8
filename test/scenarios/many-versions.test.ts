import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { Component } from "../../shared/domain/routing/component.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { untilAtRest } from "../support/at-rest.ts";
import { COMPILED } from "../support/compiled.ts";
import { temporaryFolder } from "../support/tmp.ts";

const VERSIONS = 12;
const DESCRIPTORS = 90;

test("twelve versions at once get their events with 90 file descriptors, by ending hosts that are idle", async () => {
  const home = await aHome();
  const { url, end } = await startWithFewDescriptors(home);
  const entries = Array.from({ length: VERSIONS }, (_, n) => ({
    Source: "many",
    DetailType: `type-${n}`,
    Detail: "{}",
  }));
  for (let from = 0; from < VERSIONS; from += 10) await putEvents(url, entries.slice(from, from + 10));
  await untilAtRest(home, url);
  expect(await end()).toBe(0);
  const state = openEmbeddedState(home, { create: false });
  const done = new Set<string>();
  for await (const page of state.events.records({ from: new Date(0), to: new Date(8.64e15) }, new Date())) {
    const deliveries = await state.events.deliveriesOf(page.map(({ eventKey }) => eventKey));
    for (const { component, status } of [...deliveries.values()].flat()) if (status === "done") done.add(component);
  }
  state.close();
  expect(done.size).toBe(VERSIONS);
});

async function aHome(): Promise<string> {
  const home = temporaryFolder();
  const code = join(home, "code");
  mkdirSync(code);
  writeFileSync(join(code, "index.mjs"), "export const handler = async () => null;\n");
  const state = openEmbeddedState(home, { create: true });
  for (let n = 0; n < VERSIONS; n++) {
    const name = `component-${n}`;
    await state.catalog.publish({ component: name, source: code, now: new Date() });
    await state.catalog.moveAlias(name, "stable", "1", null);
    const component = Component.parse({
      name,
      pattern: { "detail-type": [`type-${n}`] },
      aliases: { stable: {} },
      worker: { concurrency: 1 },
    });
    const meta = { changeId: randomUUID(), who: "ada", why: "a test", command: "test", at: new Date() };
    await changeRoutes(state.routingTable, { edit: { kind: "apply component", component }, ...meta });
  }
  state.close();
  return home;
}

async function startWithFewDescriptors(home: string) {
  const command = `ulimit -n ${DESCRIPTORS}; exec "$0" scripts/embedded.ts --no-sample`;
  const child = spawn("sh", ["-c", command, process.execPath], {
    env: { PATH: process.env.PATH, TURNOUT_HOME: home, TURNOUT_PORT: "0", NODE_COMPILE_CACHE: COMPILED },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit") as Promise<[number | null]>;
  const url = await new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      const found = /listens on (\S+?),/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const end = async () => {
    child.kill("SIGTERM");
    return (await exited)[0];
  };
  return { url, end };
}

async function putEvents(url: string, Entries: object[]): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "x-amz-target": "AWSEvents.PutEvents", "content-type": "application/x-amz-json-1.1" },
    body: JSON.stringify({ Entries }),
  });
  expect(await answer.json()).toMatchObject({ FailedEntryCount: 0 });
}
