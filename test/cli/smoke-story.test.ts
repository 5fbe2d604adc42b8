import { expect, it } from "vitest";
import { EVENTS, type Publishing, type Row, type SmokePorts, smokeStory } from "../../scripts/smoke-story.ts";

type Stored = { source: string; detailType: string; status: string; component_version: string };

/** An environment in which all goes as it should, unless it is told otherwise. Several runs may share it. */
function anEnvironment(about: { lists?: (found: Row[]) => Row[]; doctor?: Row[] } = {}) {
  const { lists = (found: Row[]) => found, doctor = [{ check: "event bus", status: "ok" }] } = about;
  const events: Stored[] = [];
  let version = 0;

  async function run(component: string) {
    const said: string[] = [];
    const source = `turnout.${component}`;
    const aliases = new Map<string, string>();
    let [pinned, ms, before] = [false, 0, ""];
    const commands: Record<string, (args: readonly string[]) => void> = {
      promote([, from = "", to = ""]) {
        before = aliases.get(to) ?? "";
        aliases.set(to, aliases.get(from) ?? "");
      },
      rollback: ([, alias = ""]) => void aliases.set(alias, before),
      pin() {
        pinned = true;
      },
      unpin() {
        pinned = false;
      },
      replay() {
        for (const event of events.filter(({ status }) => status === "dead")) {
          Object.assign(event, { status: "done", component_version: aliases.get("stable") });
        }
      },
    };
    const ports: SmokePorts = {
      component,
      source,
      turnout: async (command = "", ...args) => commands[command]?.(args),
      async rows(command, ...args) {
        if (command === "doctor") return doctor;
        if (command === "aliases") return [...aliases].map(([alias, one]) => ({ alias, version: one }));
        const pattern = JSON.parse(args[args.indexOf("--pattern") + 1] ?? "{}") as Record<string, string[]>;
        const status = args[args.indexOf("--status") + 1];
        const fits = (event: Stored) =>
          event.status === status &&
          (pattern.source?.includes(event.source) ?? true) &&
          (pattern["detail-type"]?.includes(event.detailType) ?? true);
        return lists(events.filter(fits));
      },
      async publish({ detailType, count, detail = {} }: Publishing) {
        const component_version = aliases.get(pinned ? "experimental" : "stable") ?? "";
        const status = "failsIn" in detail ? "dead" : "done";
        for (let n = 0; n < count; n++) events.push({ source, detailType, status, component_version });
      },
      async deploy() {
        version += 1;
        for (const alias of ["stable", "beta", "experimental"]) {
          if (alias === "experimental" || !aliases.has(alias)) aliases.set(alias, String(version));
        }
      },
      say: (line) => said.push(line),
      now: () => ms,
      async delay(waited) {
        ms += waited;
      },
    };
    return { failures: await smokeStory(ports), said };
  }
  return { run };
}

it("the smoke story holds where all goes well, twice in a row, and says what it waits for", async () => {
  const { run } = anEnvironment();
  for (const component of ["smoke-1", "smoke-2"]) {
    const { failures, said } = await run(component);
    expect(failures).toEqual([]);
    expect(said.filter((line) => line.includes("waiting until"))).toEqual([
      `        waiting until ${EVENTS} events 'plain' are done, for 120 s at most`,
      `        waiting until ${EVENTS} events 'pinned' are done, for 120 s at most`,
      `        waiting until ${EVENTS} events 'failing' are dead, for 120 s at most`,
      `        waiting until ${EVENTS} events 'failing' are done, for 120 s at most`,
    ]);
  }
});

it("the smoke story fails where nothing is listed, instead of finding all of nothing right", async () => {
  const { failures } = await anEnvironment({ lists: () => [] }).run("smoke-1");
  expect(failures).toEqual([
    `${EVENTS} events 'plain' are done: 0 are`,
    "all of them by version 1",
    `${EVENTS} events 'pinned' are done: 0 are`,
    "all of them by version 2",
    `${EVENTS} events 'failing' are dead: 0 are`,
    `${EVENTS} events 'failing' are done: 0 are`,
    "all of them by version 1",
  ]);
});

it("the smoke story fails where events are listed twice, or too few of them", async () => {
  const twice = await anEnvironment({ lists: (found) => [...found, ...found] }).run("smoke-1");
  expect(twice.failures).toContain(`${EVENTS} events 'plain' are done: ${2 * EVENTS} are`);
  const few = await anEnvironment({ lists: (found) => found.slice(1) }).run("smoke-1");
  expect(few.failures).toContain(`${EVENTS} events 'plain' are done: ${EVENTS - 1} are`);
});

it("the smoke story fails for what doctor finds, or doesn't say, and not for what a killed run has left", async () => {
  const bad = { check: "event bus", status: "problem", found: "there is no bus" };
  const found = await anEnvironment({ doctor: [bad] }).run("smoke-1");
  expect(found.failures).toEqual(["doctor finds nothing wrong"]);
  expect(found.said).toContain("        event bus: there is no bus");
  expect((await anEnvironment({ doctor: [] }).run("smoke-1")).failures).toEqual(["doctor finds nothing wrong"]);
  const left = { check: "stable of smoke-0", status: "problem", found: "is gone" };
  expect((await anEnvironment({ doctor: [left] }).run("smoke-1")).failures).toEqual([]);
  const own = { check: "stable of smoke-1", status: "problem", found: "is gone" };
  expect((await anEnvironment({ doctor: [own] }).run("smoke-1")).failures).toEqual(["doctor finds nothing wrong"]);
});
