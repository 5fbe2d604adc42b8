import { expect, it, onTestFinished } from "vitest";
import { embeddedInstallation } from "../../shared/installation/embedded-installation.ts";
import { examineInstallation } from "../../shared/installation/examine-installation.ts";
import { examineUnresolved } from "../../shared/installation/examine-unresolved.ts";
import { problem } from "../../shared/installation/finding.ts";
import type { Installation } from "../../shared/installation/installation.ts";
import { aReplayedCli, RC } from "../support/replayed-cli.ts";

const now = () => new Date(Date.now() + 1_000);

/** An installation on this machine, of which three events are dead. */
async function aDeadInstallation(): Promise<Installation> {
  const { route, home } = await aReplayedCli();
  await route({ id: "e-1", fails: true }, { id: "e-2", fails: true }, { id: "e-3", fails: true });
  const installation = embeddedInstallation(home, { create: false });
  onTestFinished(() => installation.close());
  return installation;
}

const checks = async (installation: Installation) =>
  (await examineInstallation(installation, now())).map(({ check, status }) => `${check}: ${status}`);

it("examineInstallation looks at its parts, and then at what its tables have", async () => {
  const found = await checks(await aDeadInstallation());
  expect(found).toContain("state file: ok");
  expect(found.slice(-4)).toEqual(["deliveries: warning", "routing rows: ok", `component ${RC}: ok`, "health: ok"]);
});

it("examineInstallation doesn't look into a table that has a problem itself", async () => {
  const installation = await aDeadInstallation();
  const lost = problem("event table", "is gone");
  const found = await checks({ ...installation, examine: async () => [lost] });
  expect(found).toEqual(["event table: problem", "routing rows: ok", `component ${RC}: ok`]);
});

it("examineInstallation tells what can't be listed, and looks at the rest", async () => {
  const installation = await aDeadInstallation();
  const records = () => {
    throw new Error("down");
  };
  const events = { ...installation.events, records };
  const found = await examineInstallation({ ...installation, events, examine: async () => [] }, now());
  expect(found[0]).toMatchObject({ check: "deliveries", status: "problem" });
  expect(found).toHaveLength(4);
});

it("examineUnresolved looks back a day on this machine, and an hour on AWS, where every minute is a request", async () => {
  const { events } = await aDeadInstallation();
  const told = async (from: "folders" | "functions") =>
    (await examineUnresolved({ events, versions: { from } }, now())).found;
  expect(await told("folders")).toBe("unresolved: 3 dead, of 3 events that arrived in the last 24 hours");
  expect(await told("functions")).toBe("unresolved: 3 dead, of 3 events that arrived in the last 1 hour");
});

it("examineUnresolved looks at so many events, and says up to when", async () => {
  const { found } = await examineUnresolved(await aDeadInstallation(), now(), 2);
  expect(found).toMatch(/^unresolved: \d dead, of \d events that arrived from \S+Z to \S+Z$/);
});
