import { expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { type Deployment, deployComponent } from "../../../shared/flows/versions/deploy-component.ts";
import { MOVED_AT } from "../../support/alias-moves.ts";
import { aComponent, aPin } from "../../support/builders.ts";
import { memoryCatalog } from "../../support/memory-catalog.ts";
import { noEvents } from "../../support/no-events.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

const aliases = ["stable", "experimental"];
const by = { who: "cloudformation", why: "a test", command: "cdk deploy" };

/** Deployments of the component mailer, each after the last that succeeded. */
function someDeployments() {
  const { table, change } = aRoutingTable();
  const { catalog, versionOf, set } = memoryCatalog();
  let meanwhile: (() => Promise<unknown>) | undefined;
  let ids = 0;
  const ports = {
    table: {
      ...table,
      async rows(keys) {
        const read = await table.rows(keys);
        const act = meanwhile;
        meanwhile = undefined;
        await act?.();
        return read;
      },
    } satisfies typeof table,
    events: noEvents,
    catalog,
    newId: () => `id-${++ids}`,
    now: () => MOVED_AT,
  };
  let before: Deployment["before"];
  async function deploy(version: string, about: Partial<Deployment> = {}) {
    const rowOver: Deployment["rowOver"] = (row) => ({ ...aComponent({ aliases }), ...row, name: "mailer" });
    const deployment = { component: "mailer", rowOver, version, aliases, moves: "experimental", before, ...about };
    const refused = await deployComponent(ports, deployment, by);
    if (refused === undefined) before = deployment;
    return refused;
  }
  const versions = () => aliases.map(versionOf);
  /** From now on acme, who is on experimental, is protected. */
  async function protect() {
    const pin = aPin({ alias: "experimental", until: "2999-01-01T00:00:00.000Z" });
    await change({ kind: "pin", level: "customer", id: "acme", component: "mailer", pin });
    const guardrails = { ...DEFAULT_GUARDRAILS, protectedSubjects: ["customer#acme"] };
    await change({ kind: "set guardrails", guardrails });
  }
  /** Does something once, just after rows have been read. */
  const whileRead = (act: () => Promise<unknown>) => {
    meanwhile = act;
  };
  return { table, change, deploy, set, versions, protect, whileRead };
}

it("deployComponent makes aliases that are missing, and then moves only the one that it is told to", async () => {
  const { deploy, versions, table } = someDeployments();
  await deploy("1");
  expect(versions()).toEqual(["1", "1"]);
  await deploy("2");
  expect(versions()).toEqual(["1", "2"]);
  await deploy("3", { moves: undefined });
  expect(versions()).toEqual(["1", "2"]);
  const moves = (await table.changesAfter(0, 10)).flatMap(({ move }) => move ?? []);
  expect(moves.map(({ kind, stage, to }) => `${kind} ${to} ${stage}`)).toEqual([
    "publish 2 intended",
    "publish 2 settled",
  ]);
});

it("deployComponent leaves no change in the log when it is made again as it was", async () => {
  const { deploy, table } = someDeployments();
  await deploy("1");
  const head = await table.head();
  await deploy("1");
  expect(await table.head()).toBe(head);
});

it("deployComponent keeps what an operator changes in the same moment", async () => {
  const { deploy, table, change, whileRead } = someDeployments();
  await deploy("1");
  const edit = { set: "default alias", alias: "experimental" } as const;
  whileRead(() => change({ kind: "change component", component: "mailer", change: edit }));
  await deploy("2", { rowOver: (row) => ({ ...aComponent({ aliases }), ...row, name: "mailer", timeoutMs: 5_000 }) });
  const row = (await table.rows(["component#mailer"])).rows.get("component#mailer");
  expect(row).toMatchObject({ defaultAlias: "experimental", timeoutMs: 5_000 });
});

it("deployComponent takes back its own move, also past a guardrail that has been set since, and nobody else's", async () => {
  const { deploy, versions, set, protect } = someDeployments();
  await deploy("1");
  await deploy("2");
  await protect();
  await deploy("1");
  expect(versions()).toEqual(["1", "1"]);
  await deploy("2", { moves: undefined });
  set("experimental", "3");
  await deploy("1");
  expect(versions()).toEqual(["1", "3"]);
});

it("deployComponent leaves an alias where an operator has put it while nothing new was published", async () => {
  const { deploy, versions, set } = someDeployments();
  await deploy("1");
  await deploy("2");
  set("experimental", "1");
  await deploy("2");
  expect(versions()).toEqual(["1", "1"]);
});

it("deployComponent says which move a guardrail stands against, and moves nothing", async () => {
  const { deploy, versions, protect } = someDeployments();
  await deploy("1");
  await protect();
  expect(await deploy("2")).toMatchObject({
    move: { component: "mailer", alias: "experimental", from: "1", to: "2" },
    objections: [expect.anything()],
  });
  expect(versions()).toEqual(["1", "1"]);
});
