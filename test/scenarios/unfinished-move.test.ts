import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const aliasesOf = (state: EmbeddedState) => state.catalog.aliases("mailer");

/** A state in which somebody died two minutes ago, between the log's intention and the move of stable from 1 to 2. */
async function afterACrash(home: string): Promise<EmbeddedState> {
  const state = openEmbeddedState(home, { create: true });
  for (const version of ["1", "2"]) {
    const source = join(home, `code-${version}`);
    mkdirSync(source);
    writeFileSync(join(source, "index.mjs"), `export const handler = async () => ${version};\n`);
    await state.catalog.publish({ component: "mailer", source, now: new Date() });
  }
  await state.catalog.moveAlias("mailer", "stable", "1", null);
  const dying = { ...state.catalog, moveAlias: () => Promise.reject(new Error("died")) };
  const move = { component: "mailer", alias: "stable", from: "1", to: "2" };
  const said = { who: "ada", why: "a test", command: "test", at: new Date(Date.now() - 120_000) };
  const ports = { table: state.routingTable, events: state.events, catalog: dying, newId: () => "id-1" };
  await expect(moveAlias(ports, { ...said, move, kind: "promote" })).rejects.toThrow("died");
  expect(await aliasesOf(state)).toEqual([{ alias: "stable", version: "1" }]);
  return state;
}

test("a server finishes the move of an alias that a crash has left", async () => {
  const home = temporaryFolder();
  const state = await afterACrash(home);
  try {
    const server = await startServer(home);
    await expect.poll(() => state.routingTable.head()).toBe(2);
    expect(await server.end("SIGTERM")).toBe(0);
    expect(await aliasesOf(state)).toEqual([{ alias: "stable", version: "2" }]);
    expect(await state.routingTable.changesAfter(1, 9)).toMatchObject([
      { who: "turnout", why: "revision 1 by ada was left unfinished", move: { stage: "settled", intent: 1 } },
    ]);
  } finally {
    state.close();
  }
});
