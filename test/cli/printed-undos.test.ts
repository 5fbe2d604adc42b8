import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { aRoutedCli, undoIn } from "../support/cli-process.ts";
import { aReplayedCli } from "../support/replayed-cli.ts";
import { temporaryFolder } from "../support/tmp.ts";

const RC = "release-coordinator";
const ACME = `--customer acme --component ${RC}`;

const folder = temporaryFolder(afterAll);
const file = (name: string, content: object | string) => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};
const aliases = { stable: {}, beta: {}, experimental: {} };
const COMPONENT = file("component.json", { name: RC, pattern: { source: ["bank"] }, aliases });
const MAILER = file("mailer.json", { name: "mailer", pattern: { source: ["shop"] }, aliases, defaultAlias: "beta" });
const SOURCE = file("source.json", { source: "shop", customer: "detail.buyer" });
const CSV = file("directory.csv", "project,customer,plan\ninitech/site,initech,\n,initech,free\nacme/site,globex,\n");

const STAFF = ["cohort create staff", "cohort add staff --customer acme"];

/** Every command that changes the routing, after what has to be there before it. */
const changes: [command: string, ...before: string[]][] = [
  [`pin ${ACME} --to beta`],
  [`pin ${ACME} --to stable`, `pin ${ACME} --to beta`],
  [`pin ${ACME} --to beta --for 1h`, `pin ${ACME} --to beta`],
  [`pin --plan paid --component ${RC} --to beta`],
  [`pin --user ada --component ${RC} --to beta`],
  [`unpin ${ACME}`, `pin ${ACME} --to beta`],
  ["cohort create staff"],
  ["cohort remove staff", "cohort create staff"],
  ["cohort add staff --customer acme globex", "cohort create staff", `cohort-route set ${RC} staff --to beta`],
  ["cohort drop staff --customer acme", ...STAFF, `cohort-route set ${RC} staff --to beta`],
  [`cohort-route set ${RC} staff --to beta`, ...STAFF],
  [`cohort-route remove ${RC} staff`, ...STAFF, `cohort-route set ${RC} staff --to beta`],
  [`rollout set ${RC} --to beta --share 50% --by customer`],
  [`rollout set ${RC} --to beta --share 0% --by customer`, `rollout set ${RC} --to beta --share 100% --by customer`],
  [`rollout remove ${RC}`, `rollout set ${RC} --to beta --share 100% --by customer`],
  [`all-stable ${RC}`],
  [`all-stable ${RC}`, `pin ${ACME} --to beta`],
  [`all-stable ${RC} --off`, `pin ${ACME} --to beta`, `all-stable ${RC}`],
  [`component apply ${COMPONENT}`],
  [`component apply ${MAILER}`],
  [`component remove ${RC}`, `pin ${ACME} --to beta`],
  [`component default ${RC} beta`],
  [`component default ${RC} stable`, `component default ${RC} beta`],
  [`component fallback ${RC} beta`],
  [`component fallback ${RC} stable`, `component fallback ${RC} beta`],
  [`alias add ${RC} branch-x`],
  [`alias retire ${RC} beta`, `pin ${ACME} --to beta`],
  [`alias remove ${RC} branch-x`, `alias add ${RC} branch-x`, `alias retire ${RC} branch-x`],
  [`source apply ${SOURCE}`],
  ["directory set --customer acme --plan free", `pin --plan paid --component ${RC} --to beta`],
  ["directory set --customer acme --plan free", `pin --plan free --component ${RC} --to beta`],
  ["directory set --project acme/site --customer globex", `pin ${ACME} --to beta`],
  [`directory import ${CSV}`],
  ["revert 3", `pin ${ACME} --to beta`],
  ["guardrails set --max-customers-off 5"],
];

/** What may stand in the way of both, a change and its undo. */
const stands: [what: string, ...commands: string[]][] = [
  ["nothing"],
  ["a freeze", "freeze"],
  ["a budget of no customer", "guardrails set --max-customers-off 0"],
  ["a protected customer", "guardrails set --protect customer#acme"],
];

const words = (command: string) => [...command.split(" "), "--reason", "x", "--yes"];

it.each(
  stands.flatMap(([what, ...guards]) => changes.map(([command, ...before]) => ({ command, what, before, guards }))),
)(
  "the undo printed by '$command' with $what in the way, after $before, is done as it is printed",
  async ({ command, before, guards }) => {
    const { turnout, shell } = await aRoutedCli();
    for (const one of [...before, ...guards]) {
      expect(await turnout([...words(one)])).toMatchObject({ code: 0 });
    }
    const routing = async () => withoutMeta((await turnout(["export"])).stdout);
    const then = await routing();
    const made = await turnout([...words(command), ...(guards.length > 0 ? ["--force"] : [])]);
    expect(made).toMatchObject({ code: 0 });
    const undone = await shell(`${undoIn(made)} --yes`);
    expect(undone).toMatchObject({ code: 0, stdout: expect.stringContaining("revision") });
    expect(await routing()).toEqual(then);
  },
);

it.each(
  stands.flatMap(([what, ...guards]) =>
    [`promote ${RC} beta stable`, `alias set ${RC} stable 2`, `rollback ${RC} beta`].map((command) => ({
      command,
      what,
      guards,
    })),
  ),
)("the undo printed by '$command' with $what in the way is done as it is printed", async ({ command, guards }) => {
  const { turnout, shell, json } = await aReplayedCli();
  for (const one of guards) expect(await turnout(words(one))).toMatchObject({ code: 0 });
  const then = await json(["aliases", RC]);
  const made = await turnout([...words(command), ...(guards.length > 0 ? ["--force"] : [])]);
  expect(made).toMatchObject({ code: 0 });
  expect(await shell(`${undoIn(made)} --yes`)).toMatchObject({ code: 0 });
  expect(await json(["aliases", RC])).toEqual(then);
});

/** Who did it, why and when is another's afterwards. */
function withoutMeta(text: string): unknown {
  return JSON.parse(text, (key, inner) =>
    ["who", "why", "at", "revision", "salt", "exportedAt"].includes(key) ? undefined : inner,
  );
}
