import type { ReleaseVerdict } from "../../shared/domain/releases/next-step.ts";
import type { Component } from "../../shared/domain/routing/component.ts";
import type { ComponentChange } from "../../shared/domain/routing/component-change.ts";
import type { GuardMode } from "../../shared/domain/routing/guard-rule.ts";
import { DEFAULT_GUARDRAILS } from "../../shared/domain/routing/guardrails.ts";
import type { Release } from "../../shared/domain/routing/release.ts";
import { type ReleaseAct, releaseEdit } from "../../shared/domain/routing/release-edit.ts";
import type { ChangeLogEntry } from "../../shared/domain/routing/routing-change.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import type { SubjectRow } from "../../shared/domain/routing/subject-rows.ts";
import { advanceRelease, type ReleasePorts } from "../../shared/flows/release/advance-release.ts";
import { finishMoves } from "../../shared/flows/versions/finish-moves.ts";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";
import { aComponent, aPin } from "../support/builders.ts";
import { aReleasing, BEGAN, RC } from "../support/releases.ts";
import type { aRoutingTable } from "../support/routing-table.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { weighted } from "./chance.ts";
import { damagedPorts, type ReleaseBreakage } from "./release-breakage.ts";

const ACTIONS = 40;
const PLACES = ["the route of staff", "the pin of free", "the rollout", "the guard of beta"] as const;
type Place = (typeof PLACES)[number];
type Values = Record<Place, string | undefined>;

/**
 * One release from begin to end, with looks, crashes, lost answers, clocks that differ, verdicts that change and persons
 * who change what it works with, all drawn from the seed.
 * @returns what it did that no release may do
 */
export async function releaseRun(
  seed: number,
  storage: ReturnType<typeof aRoutingTable>,
  broken?: ReleaseBreakage,
): Promise<{ violations: string[]; end: string | undefined; told: string[] }> {
  const random = seededRandom(seed);
  const one = <T>(options: readonly T[]): T => options[Math.floor(random() * options.length)] as T;
  const world = await aReleasing(storage);
  const { table, change, versionOf, set, judged, component } = world;
  const violations: string[] = [];
  const told: string[] = [];
  const guard = one<GuardMode>(["undo", "undo", "rollback", "hold", "watch"]);
  let now = BEGAN;
  let lastMover: Record<string, string> = {};
  let healed = 0;
  let ids = 0;
  let read = 0;
  const made = new Set<string>();
  const intendedBy = new Map<number | undefined, string>();
  let isSettled = true;
  let resumed: { into: string | null; revision: number } = { into: null, revision: 0 };
  let isOver = false;
  const owners: Values = {
    "the route of staff": undefined,
    "the pin of free": undefined,
    "the rollout": undefined,
    "the guard of beta": undefined,
  };
  const isReleases = (who: string | undefined) => who?.startsWith("release/") === true;

  const isMade = (place: Place, set: string) =>
    made.has(`${place} ${set}`) || (!isOver && set.includes('"who":"release/'));

  /** Of what the log has got since, who has set each place and moved each alias; nobody's rule may have gone unasked. */
  async function readLog(): Promise<void> {
    for (const entry of await table.changesAfter(read, 500)) {
      read = entry.revision;
      const { who, move } = entry;
      if (move?.stage === "intended") intendedBy.set(entry.revision, entry.who);
      if (move?.stage === "settled" && move.from !== move.to) {
        const mover = intendedBy.get(move.intent) ?? who;
        if (move.alias === "stable" && isReleases(mover) && move.kind === "promote" && !isSettled) {
          violations.push(`it promoted over what ${lastMover.stable} had put there`);
        }
        // Told late, after a crash: who resumed it knew where the alias was by then.
        const isKnown = move.to === resumed.into && (move.intent ?? read) <= resumed.revision;
        if (move.alias === "stable" && !isReleases(mover) && !isKnown) isSettled = false;
        lastMover = { ...lastMover, [move.alias]: mover };
      }
      const [before, after] = valuesOf(entry);
      for (const place of PLACES) {
        if (before[place] === after[place]) continue;
        if (isReleases(who) && before[place] !== undefined && !isReleases(owners[place])) {
          violations.push(`${entry.command} took ${place} from ${owners[place]} (revision ${read})`);
        }
        const set = after[place];
        if (isReleases(who) && set !== undefined) made.add(`${place} ${set}`);
        // Put back as the release had it, by a revert or by hand, it is the release's: nothing tells the two apart.
        owners[place] = set === undefined ? undefined : isMade(place, set) ? `release/${start.id}` : who;
      }
      // Its rules are gone: what comes back is somebody's.
      if (endingIn(entry)) {
        isOver = true;
        made.clear();
      }
    }
  }

  const damaged = damagedPorts(world.ports, broken, versionOf);
  const ports: ReleasePorts = {
    ...damaged,
    heal: async () => {
      if (broken !== "nothing healed") healed += 1;
    },
    newId: () => `c-${seed}-${++ids}`,
  };

  async function look(at = now): Promise<void> {
    const before = (await component()).release as Release;
    const [stable, verdict] = [versionOf("stable"), judged.verdict];
    const next = await advanceRelease(ports, await component(), at).catch((error: Error) => {
      if (!["died", "lost"].includes(error.message)) violations.push(`a look threw ${error.message}`);
      return undefined;
    });
    if (next !== undefined) told.push(`${next.do}${next.do === "wait" ? ` ${next.because}` : ""}`);
    await readLog();
    const after = (await component()).release;
    if (after === undefined) return;
    const isForward = after.made > before.made || (stable !== versionOf("stable") && isReleases(lastMover.stable));
    if (verdict.says === "worse" && guard !== "watch" && isForward && versionOf("beta") === "4") {
      violations.push(`it went on past a verdict of worse, to ${after.made}`);
    }
    const isStopped = (release: Release) => (release.ending ?? release.ended)?.how === "stopped";
    if (isStopped(after) && !isStopped(before) && verdict.says !== "worse") {
      violations.push(`it was taken back on ${verdict.says}`);
    }
    if (before.ended === undefined && after.ended !== undefined) ended(after);
  }

  function ended(release: Release): void {
    const { how } = release.ended ?? {};
    for (const place of PLACES) {
      if (isReleases(owners[place])) violations.push(`${how}, and ${place} is left`);
    }
    if (how === "done") {
      const byPerson = lastMover.stable !== undefined && !isReleases(lastMover.stable);
      if (versionOf("stable") !== "4" && !byPerson) violations.push("done, and stable isn't on the version");
      return;
    }
    aliasesAfter(release);
    if (how === "stopped" && guard === "undo" && healed === 0)
      violations.push("stopped, and nothing was delivered again");
  }

  function aliasesAfter({ ended }: Release): void {
    if (ended === undefined || ended.how === "done") return;
    const { how } = ended;
    if (versionOf("beta") === "4" && (lastMover.beta === undefined || isReleases(lastMover.beta))) {
      violations.push(`${how}, and beta is still on the version`);
    }
    if (versionOf("stable") === "4" && isReleases(lastMover.stable))
      violations.push(`${how}, and stable is on the version`);
  }

  const start = { ...(await world.plan({}, now)).release, guard };
  await readLog();
  const act = async (asked: ReleaseAct) => person(releaseEdit(RC, start, asked));
  const said = () => ({ who: "grace", why: "a person", at: now.toISOString() });
  async function person(edit: RoutingEdit): Promise<void> {
    await change(edit, { who: "grace", changeId: `c-${seed}-${++ids}`, at: now, force: true }).catch((error: Error) => {
      told.push(`refused: ${error.message}`);
    });
    await readLog();
  }
  /** What is swept up once a minute. */
  async function finish(): Promise<void> {
    try {
      await finishMoves(ports, now);
    } finally {
      await readLog();
    }
  }
  async function resume(): Promise<void> {
    if ((await component()).release?.paused === undefined) return;
    isSettled = true;
    resumed = { into: versionOf("stable"), revision: await table.head() };
    // What isn't there as it had set it is somebody's own from now on.
    for (const rule of made) {
      if (PLACES.some((place) => rule.startsWith(place) && !isReleases(owners[place]))) made.delete(rule);
    }
    await act({ do: "resume", id: start.id, into: versionOf("stable"), ...said() });
  }
  const rule = (asked: ComponentChange) => person({ kind: "change component", component: RC, change: asked });
  const moveBy = async (alias: string, to: string) => {
    const move = { component: RC, alias, from: versionOf(alias), to };
    const by = { who: "grace", why: "a person", command: "alias set", at: now, force: true };
    await moveAlias({ ...world.ports, newId: ports.newId }, { move, kind: "set", ...by }).catch(() => undefined);
    await readLog();
  };
  const rollout = () =>
    ({ alias: one(["stable", "beta"]), basisPoints: one([10, 500]), by: "customer", salt: "theirs" }) as const;
  const actions: [number, () => Promise<unknown>][] = [
    [50, () => look()],
    [5, () => finish().catch(() => undefined)],
    [6, () => Promise.all([look(), look(new Date(now.getTime() + one([-300_000, 0, 300_000])))])],
    [30, async () => (now = new Date(now.getTime() + one([1_000, 60_000, 600_000, 1_200_000])))],
    [5, async () => (judged.verdict = one(VERDICTS))],
    [
      9,
      async () =>
        world.calls.fail(one(["commit", "moveAlias"]), one(["before", "after"]), new Error(one(["died", "lost"]))),
    ],
    [1, () => act({ do: "pause", id: start.id, ...said() })],
    [5, resume],
    [1, () => act({ do: "take back", id: start.id, how: "aborted", ...said() })],
    [
      1,
      () =>
        person({
          kind: "pin",
          level: "plan",
          id: "free",
          component: RC,
          pin: aPin({ alias: one(["stable", "beta"]) }),
        }),
    ],
    [1, () => person({ kind: "unpin", level: "plan", id: "free", component: RC })],
    [1, () => rule({ set: "cohort route", route: { cohort: "staff", alias: one(["stable", "beta"]) } })],
    [1, () => rule({ remove: "cohort route", cohort: "staff" })],
    [1, () => rule({ set: "rollout", rollout: rollout(), reshuffle: true })],
    [1, () => rule({ remove: "rollout" })],
    [1, () => rule({ remove: "guard", alias: "beta" })],
    [1, () => rule({ set: "guard", alias: "beta", guard: { mode: "undo", ...said() } })],
    [1, () => rule({ set: "all stable", allStable: said() })],
    [2, () => rule({ remove: "all stable" })],
    [
      1,
      () =>
        person({
          kind: "set guardrails",
          guardrails: {
            ...DEFAULT_GUARDRAILS,
            ...one([{ freeze: said() }, { protectedSubjects: ["plan#free" as const] }]),
          },
        }),
    ],
    [2, () => person({ kind: "set guardrails", guardrails: DEFAULT_GUARDRAILS })],
    [1, () => moveBy("beta", one(["2", "4", "5"]))],
    [1, () => moveBy("stable", one(["1", "5"]))],
    [
      1,
      async () => {
        set("beta", one(["2", "5"]));
        lastMover = { ...lastMover, beta: "somebody" };
      },
    ],
    [
      1,
      async () =>
        person({ kind: "revert", changes: await table.changesAfter(Math.max(3, (await table.head()) - 2), 1) }),
    ],
    [
      1,
      async () =>
        person({ kind: "apply component", component: aComponent({ name: RC, timeoutMs: one([1_000, 2_000]) }) }),
    ],
  ];
  await person({ kind: "release", component: RC, plans: ["free"], act: { do: "start", release: start } });
  // What the release's own start has set is the release's.
  owners["the guard of beta"] = `release/${start.id}`;
  for (let action = 0; action < ACTIONS; action++) await weighted(random(), actions)();
  return { violations, end: await comeToRest(), told };

  /** Nobody disturbs it any more: whatever has become of it comes to its end, or waits for a person who is told why. */
  async function comeToRest(): Promise<string | undefined> {
    await person({ kind: "set guardrails", guardrails: DEFAULT_GUARDRAILS });
    await rule({ remove: "all stable" });
    for (let round = 0; round < 60; round++) {
      const { release } = await component();
      if (release?.ended !== undefined) {
        now = new Date(now.getTime() + 120_000);
        // Crashes that are still to come are had by now.
        while (
          await finish().then(
            () => false,
            () => true,
          )
        );
        aliasesAfter(release);
        return release.ended.how;
      }
      if (release?.paused !== undefined || round === 25) {
        await act({ do: "take back", id: start.id, how: "aborted", ...said() });
      }
      now = new Date(now.getTime() + 600_000);
      await look();
    }
    return undefined;
  }
}

const VERDICTS: ReleaseVerdict[] = [
  { says: "healthy", told: "healthy so far" },
  { says: "healthy", told: "healthy so far" },
  { says: "none", told: "no verdict" },
  { says: "worse", told: "9 of 10 failed" },
];

function endingIn({ rows }: ChangeLogEntry): boolean {
  const row = rows.find(({ key }) => key === `component#${RC}`)?.after as Component | null | undefined;
  return row?.release?.ending !== undefined;
}

/** What a change has found in each place, and what it has left there; the same where it doesn't touch it. */
function valuesOf({ rows }: ChangeLogEntry): [Values, Values] {
  const at = (when: "before" | "after"): Values => {
    const ofComponent = rows.find(({ key }) => key === `component#${RC}`)?.[when] as Component | null | undefined;
    const plan = rows.find(({ key }) => key === "plan#free")?.[when] as SubjectRow | null | undefined;
    const text = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value));
    return {
      "the route of staff": text(ofComponent?.cohortRoutes.find(({ cohort }) => cohort === "staff")),
      "the pin of free": text(plan?.pins[RC]),
      "the rollout": text(ofComponent?.rollout),
      "the guard of beta": text(ofComponent?.guards?.beta),
    };
  };
  return [at("before"), at("after")];
}
