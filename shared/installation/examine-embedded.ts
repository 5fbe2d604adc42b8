import { statfs } from "node:fs/promises";
import { plural } from "../domain/text/plural.ts";
import type { EmbeddedState } from "../embedded-dependencies.ts";
import { stuckMessages } from "../flows/deliver/stuck-messages.ts";
import { findWalls } from "../targets/worker/host-walls.ts";
import { codeProblem } from "../versions/version-folder.ts";
import { examineServer } from "./examine-server.ts";
import { type Finding, fine, problem, warning } from "./finding.ts";

/** What brings messages back that have been in flight for longer than any component may take. */
export const FREE_STUCK =
  "see that the disk has room and no other process holds the state file, and restart the server";

const MIB = 1024 * 1024;

/** Below this much free space a version may not fit, or the next burst of events. */
const LITTLE_SPACE_MIB = 1_024;
const NO_SPACE_MIB = 50;

/** Looks at the state on this machine. */
export async function examineEmbedded(state: EmbeddedState, now: Date): Promise<Finding[]> {
  return [
    examineFile(state),
    await examineDisk(state.home),
    examineClock(state, now),
    await examineServer(state.home),
    ...(await examineQueues(state, now)),
    await examineWalls(),
    ...(await examineVersions(state)),
  ];
}

async function examineWalls(): Promise<Finding> {
  const { missing } = await findWalls();
  if (missing === undefined) return fine("walls", "every version sees and signals its own processes only");
  return warning("walls", missing, "Run only code that you trust, or allow user namespaces");
}

/** Only those that an alias points at: no other is run. */
async function examineVersions({ routingTable, catalog }: EmbeddedState): Promise<Finding[]> {
  const findings: Finding[] = [];
  let intact = 0;
  for (const { name } of (await routingTable.components()).components) {
    const versions = new Set((await catalog.aliases(name)).map(({ version }) => version));
    for (const version of versions) {
      const code = catalog.codeOf(name, version);
      const found = code === undefined ? "isn't there" : await codeProblem(code);
      const remedy = "Its events fail: put the folder back as it was, or publish the code again and move the alias";
      if (found === undefined) intact++;
      else findings.push(problem(`${name} version ${version}`, found, remedy));
    }
  }
  return [...findings, fine("versions", `${plural(intact, "version")} behind aliases as published`)];
}

function examineFile({ home, database }: EmbeddedState): Finding {
  const row = database.connection.prepare("PRAGMA quick_check(1)").get();
  const said = String(Object.values(row ?? {})[0] ?? "");
  if (said === "ok") return fine("state file", `${home} is in order`);
  return problem("state file", `is damaged: ${said}`, { operation: "restore backup" });
}

function examineClock({ clock }: EmbeddedState, now: Date): Finding {
  const found = clock.problem(now);
  if (found === undefined) return fine("clock", now.toISOString());
  const { message, remedies } = found;
  const check = "see that the machine's clock is right";
  return (clock.isBehind(now) ? problem : warning)("clock", message, ...(remedies.length > 0 ? remedies : [check]));
}

async function examineDisk(home: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(home);
  const free = Math.floor((bavail * bsize) / MIB);
  const found = `${free} MiB free`;
  const remedy = "Free some space, or set TURNOUT_HOME to a folder on another disk";
  if (free < NO_SPACE_MIB) return problem("disk", found, remedy);
  return free < LITTLE_SPACE_MIB ? warning("disk", found, remedy) : fine("disk", found);
}

async function examineQueues(state: EmbeddedState, now: Date): Promise<Finding[]> {
  const [live, dead, outcomes] = await Promise.all(
    [state.queue, state.deadLetters, state.outcomes].map((queue) => queue.depth(now)),
  );
  const text = (depth: typeof live) => `${depth?.visible ?? 0} waiting, ${depth?.inFlight ?? 0} in flight`;
  const lost = dead?.visible ?? 0;
  const refused = outcomes?.dead ?? 0;
  const stuck = await stuckMessages(state, now);
  return [
    stuck === 0
      ? fine("live queue", text(live))
      : problem("live queue", `${text(live)}, ${stuck} of them stuck: longer than any component may take`, FREE_STUCK),
    lost === 0
      ? fine("dead-letter queue", text(dead))
      : warning("dead-letter queue", text(dead), `A server closes ${plural(lost, "event")} as dead: start it`),
    refused === 0
      ? fine("outcomes queue", text(outcomes))
      : warning(
          "outcomes queue",
          `${text(outcomes)}, ${refused} given up`,
          "See in the server's log why each was refused",
        ),
  ];
}
