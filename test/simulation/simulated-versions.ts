import type { TurnoutField } from "../../shared/domain/deliveries/delivered-event.ts";
import { LEASE_MARGIN_MS } from "../../shared/domain/deliveries/delivery.ts";
import type { BusEvent } from "../../shared/domain/events/event.ts";
import { arnBehind } from "../../shared/domain/routing/target-address.ts";
import type { Send, SendResult, Target } from "../../shared/targets/target.ts";
import { between, type Chance, magnitude } from "./chance.ts";
import type { FaultKind, Rates } from "./faults.ts";
import type { Batch, History, Run } from "./history.ts";
import { MINUTE, type Scenario } from "./scenario.ts";
import { MAX_REQUEST_MS, type SimulatedProcess, type Surroundings, slowAnswerMs } from "./simulated-process.ts";
import type { StandardQueue } from "./standard-queue.ts";

/** A router gives an answer this much more than the component's timeout, for the way, as `lambdaTarget` does. */
const ANSWER_MARGIN_MS = 1_000;

const ON_ITS_WAY: Rates = { "process crashed": 0.008, "request lost": 0.015, "slow request": 0.02 };
const RUNNING: Rates = {
  "version failed before its effect": 0.07,
  "version failed after its effect": 0.04,
  "version hung": 0.02,
  "zombie that succeeds": 0.015,
  "zombie that fails": 0.015,
  "no room at the version": 0.04,
  "connection reset during the run": 0.015,
};
const TAKEN: Rates = { "no room at the version": 0.03, "never begun": 0.02 };
const RUNNING_ASYNC: Rates = {
  "version failed before its effect": 0.07,
  "version failed after its effect": 0.05,
  "version hung": 0.02,
};
const ANSWERED: Rates = { "process crashed": 0.008, "version's answer slow": 0.02 };
const FORGED: Rates = { "outcome forged": 0.05 };
const OUTCOME: Rates = { "outcome late": 0.05, "outcome twice": 0.06, "outcome never": 0.04 };

/** How late the message about an outcome may be, and how long a zombie may outlive its timeout. */
const MAX_LATE_MS = 30 * MINUTE;
const MAX_ZOMBIE_MS = 2 * MINUTE;

const zombies = new Set<FaultKind | undefined>(["zombie that succeeds", "zombie that fails"]);
const failures = new Set<FaultKind | undefined>([
  "version failed before its effect",
  "version failed after its effect",
  "version hung",
  "zombie that fails",
]);

/** The versions of the components. They dedup their effects on the key that they are given, as consumers should. */
export function simulatedVersions(
  surroundings: Surroundings,
  { outages }: Scenario,
  history: History,
  outcomes: StandardQueue,
) {
  const { time, chance, faults } = surroundings;
  const start = time.now();
  /** Asynchronous invocations that were taken and have not ended. */
  let taken = 0;
  const runs = new Map<string, number>();
  /** Of an attempt that the forger was handed itself. */
  let lastToken = "none";

  /** Until its answer arrives: more often than not when the lease has just ended, and another router has taken over. */
  function pauseMs({ sentAt, timeoutMs }: Run, drawn: number): number {
    if (drawn >= 0.7) return slowAnswerMs((drawn - 0.7) / 0.3);
    const leaseEnds = sentAt + timeoutMs + LEASE_MARGIN_MS;
    return Math.max(1, leaseEnds - time.now() + between(drawn / 0.7, -500, timeoutMs));
  }

  /** A name of its own for each run, also where an attempt is sent twice. */
  function pointOf(name: string): string {
    const before = runs.get(name) ?? 0;
    runs.set(name, before + 1);
    return before === 0 ? name : `${name}, once more ${before}`;
  }

  function isDown(alias: string): boolean {
    const at = time.now() - start;
    return outages.some((outage) => outage.alias === alias && outage.from <= at && at < outage.to);
  }

  function effect(run: Run): void {
    const key = `${run.component} ${run.consumerKey}`;
    if (history.effects.has(key)) return;
    run.effectAt = time.now();
    history.effects.set(key, { at: run.effectAt, run });
  }

  /** Runs the event. Resolves when it ends, or when its platform ends it. */
  async function execute(run: Run, point: string, kind: FaultKind | undefined, poison: boolean): Promise<void> {
    const { timeoutMs } = run;
    run.startedAt = time.now();
    const own: Chance = (what) => chance(`${point} ${what}`);
    const usual = between(own("lasts"), 1, timeoutMs * 0.9);
    const lasts = zombies.has(kind)
      ? timeoutMs + magnitude(own("outlives"), 100, MAX_ZOMBIE_MS)
      : kind === "version hung"
        ? timeoutMs
        : usual;
    const fails = poison || isDown(run.alias) || failures.has(kind);
    const hasEffect = kind === "version failed after its effect" ? !poison : !fails;
    const effectAfter = Math.floor(lasts * own("effect"));
    await time.delay(effectAfter);
    if (hasEffect) effect(run);
    await time.delay(lasts - effectAfter);
    run.endedAt = time.now();
    run.outcome = fails ? "failed" : "succeeded";
  }

  /** Takes an event for later, as Lambda does: runs it within its age, and tells what became of it. */
  async function executeLater(run: Run, send: Send, poison: boolean, point: string, kind?: FaultKind): Promise<void> {
    const maxAge = send.invocation.kind === "async" ? send.invocation.maxEventAgeMs : 0;
    taken += 1;
    if (faults.strike(`${point} forged`, FORGED) !== undefined) tellForged(run, send, chance(`${point} forged`));
    if (kind === "never begun") {
      await time.delay(maxAge);
      run.outcome = "never begun";
    } else {
      const usual = between(chance(`${point} waits`), 1, 200);
      await time.delay(chance(`${point} waits long`) < 0.1 ? between(chance(`${point} waits`), 1, maxAge) : usual);
      await execute(run, point, faults.strike(point, RUNNING_ASYNC), poison);
    }
    taken -= 1;
    const toldHow = faults.strike(`${point} outcome`, OUTCOME);
    if (toldHow === "outcome never") return;
    const late = toldHow === "outcome late" ? magnitude(chance(`${point} late`), 1_000, MAX_LATE_MS) : 5;
    tellOutcome(run, send, late);
    if (toldHow === "outcome twice") tellOutcome(run, send, late + magnitude(chance(`${point} twice`), 10, MINUTE));
  }

  function tellOutcome(run: Run, send: Send, afterMs: number): void {
    taken += 1;
    time.at(time.now() + afterMs, () => {
      taken -= 1;
      run.outcomesSentAt.push(time.now());
      outcomes.send([JSON.stringify(destinationRecord(run, send))]);
    });
  }

  /** Another component, which knows all of an attempt but its token, says that it succeeded: soon, or at its deadline. */
  function tellForged(run: Run, send: Send, drawn: number): void {
    const record = destinationRecord({ ...run, outcome: "succeeded" }, send);
    const { turnout, ...event } = record.requestPayload;
    const evil = {
      forged: true,
      ...record,
      requestPayload: { ...event, turnout: { ...turnout, outcomeToken: lastToken } },
    };
    lastToken = turnout.outcomeToken ?? lastToken;
    time.at(time.now() + magnitude(drawn, 1, 2 * MINUTE), () => outcomes.send([JSON.stringify(evil)]));
  }

  /** The target as a router's process has it. */
  function targetOf(process: SimulatedProcess, batchOf: () => Batch | undefined): Target {
    return async (send) => {
      if (process.now() > send.latestStart) return noRoom("LeaseTooShort");
      const { run, poison, deadly } = runOf(send, process, batchOf());
      const { component, consumerKey, attempt } = run;
      history.runs.push(run);
      const point = pointOf(`${component} ${consumerKey} attempt ${attempt}`);

      if (deadly) {
        faults.note(`${point} ends its sender`, "process crashed");
        process.end("process crashed");
      }
      const there = process.strike(`${point} on its way`, ON_ITS_WAY);
      if (process.hasEnded()) await process.delay(0);
      const way = chance(`${point} there`);
      await time.delay(there === "slow request" ? magnitude(way, 50, MAX_REQUEST_MS) : between(way, 1, 12));
      if (there === "request lost") {
        run.outcome = "unreachable";
        return answer({ outcome: "failed", durationMs: 0, error: { type: "ECONNRESET", message: "no connection" } });
      }
      run.arrivedAt = time.now();
      return run.invocation === "sync" ? invoke() : take();

      async function take(): Promise<SendResult> {
        const kind = faults.strike(`${point} taken`, TAKEN);
        if (kind === "no room at the version") {
          run.outcome = "no room";
          return answer(noRoom("TooManyRequests"));
        }
        void executeLater(run, send, poison, point, kind);
        return answer({ outcome: "accepted", durationMs: 0 });
      }

      async function invoke(): Promise<SendResult> {
        const kind = faults.strike(`${point} runs`, RUNNING);
        if (kind === "no room at the version") {
          run.outcome = "no room";
          return answer(noRoom("TooManyRequests"));
        }
        const running = execute(run, point, kind, poison);
        const patience = time.delay(Math.max(0, run.sentAt + run.timeoutMs + ANSWER_MARGIN_MS - time.now()));
        const reset =
          kind === "connection reset during the run"
            ? [time.delay(between(chance(`${point} reset`), 1, run.timeoutMs)).then(() => "reset" as const)]
            : [];
        const first = await Promise.race([
          running.then(() => "ended" as const),
          patience.then(() => "timeout" as const),
          ...reset,
        ]);
        const durationMs = time.now() - run.sentAt;
        if (first === "ended" && run.outcome === "succeeded") {
          return answer({ outcome: "done", executedVersion: `version of ${run.alias}`, durationMs });
        }
        const type = first === "ended" ? "Broken" : first === "timeout" ? "Timeout" : "ECONNRESET";
        return answer({ outcome: "failed", durationMs, error: { type, message: `the version: ${type}` } });
      }

      async function answer(result: SendResult): Promise<SendResult> {
        const after = process.strike(`${point} answered`, ANSWERED);
        const back = chance(`${point} back`);
        await process.delay(after === "version's answer slow" ? pauseMs(run, back) : between(back, 1, 12));
        run.hungUpAt = time.now();
        run.told =
          result.outcome === "done" ? "succeeded" : result.outcome === "throttled" ? "no room" : result.outcome;
        return result;
      }
    };
  }

  function runOf(send: Send, process: SimulatedProcess, batch: Batch | undefined): SentRun {
    const { turnout, ...event }: BusEvent & { turnout: TurnoutField } = JSON.parse(send.payload);
    const { idempotencyKey } = event.detail.metadata as { idempotencyKey: string };
    const run: Run = {
      component: send.component,
      alias: send.alias,
      invocation: send.invocation.kind,
      key: idempotencyKey,
      consumerKey: turnout.idempotencyKey,
      detailType: event["detail-type"],
      generation: turnout.generation,
      replay: turnout.replay,
      attempt: turnout.attempt,
      routingRevision: turnout.routingRevision,
      project: turnout.subject.project ?? "",
      payload: event.detail.payload,
      event: JSON.stringify(event),
      timeoutMs: send.timeoutMs,
      process: process.id,
      batch,
      clockMs: process.clockMs,
      sentAt: time.now(),
      outcomesSentAt: [],
    };
    return { run, poison: event.detail.poison === true, deadly: event.detail.deadly === true };
  }

  return { targetOf, isIdle: () => taken === 0 };
}

type SentRun = { run: Run; poison: boolean; deadly: boolean };

function noRoom(type: string): SendResult {
  return { outcome: "throttled", error: { type, message: "there was no room" } };
}

/** As Lambda writes it to a destination. */
function destinationRecord({ outcome, alias }: Run, { component, address, requestId, payload }: Send) {
  const condition =
    outcome === "succeeded" ? "Success" : outcome === "never begun" ? "EventAgeExceeded" : "RetriesExhausted";
  return {
    version: "1.0",
    requestContext: {
      requestId,
      functionArn: `${arnBehind(component, address)}:${alias}`,
      condition,
      approximateInvokeCount: 1,
    },
    requestPayload: JSON.parse(payload) as BusEvent & { turnout: TurnoutField },
    ...(outcome === "never begun"
      ? {}
      : { responseContext: { statusCode: 200, executedVersion: `version of ${alias}` } }),
    responsePayload: outcome === "succeeded" ? null : { errorType: "Broken", errorMessage: "it broke" },
  };
}
