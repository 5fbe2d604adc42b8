import { Duration } from "aws-cdk-lib";
import { MathExpression, type MathExpressionProps, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { EnvironmentNames } from "./environment-names.ts";
import type { EventReplay } from "./event-replay.ts";
import type { EventRouting } from "./event-routing.ts";
import type { EventSweeping } from "./event-sweeping.ts";
import type { HealthWatching } from "./health-watching.ts";
import type { TurnoutFunction } from "./turnout-function.ts";

/** From when on an alarm rings, where environments differ. */
export type AlarmThresholds = {
  /** How long an event may wait until a router receives it for the first time. Default 5 minutes. */
  oldestMessage: Duration;
  /** Percent of what routers receive that may go back because its whole batch failed. Default 10. */
  unroutedPercent: number;
  /** Percent of what routers receive that may go back at all, for a quarter of an hour. Default 75. */
  returnedPercent: number;
  /** Deliveries that may end dead or rejected within 5 minutes, less one. Default 1: each of them rings. */
  unresolved: number;
  /** Deliveries within 5 minutes that may go to a fallback alias, less one. Default 1. */
  fallbacks: number;
  /** Percent of what routers receive within 5 minutes that may be duplicates, where there are ten and more. Default 20. */
  duplicatesPercent: number;
};

export const usualThresholds: AlarmThresholds = {
  oldestMessage: Duration.minutes(5),
  unroutedPercent: 10,
  returnedPercent: 75,
  unresolved: 1,
  fallbacks: 1,
  duplicatesPercent: 20,
};

export type AlarmDefinition = {
  name: string;
  /** What it means. */
  says: string;
  /** The command, without `turnout`, that shows what it is about, or puts it right. */
  see: string;
  metric: Metric | MathExpression;
  /** Rings from this value on; below it, where `isBelow`. */
  from: number;
  isBelow?: boolean;
  /** Of the last so many periods it has to be reached in so many. Default: the last one. */
  reached?: { times: number; of: number };
};

export type Watched = {
  names: EnvironmentNames;
  routing: EventRouting;
  replay: EventReplay;
  sweeping: EventSweeping;
  watching: HealthWatching;
  thresholds: AlarmThresholds;
};

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

/** A lone bad minute, or one whose figures aren't in yet, neither rings nor ends an alarm. */
const MOSTLY = { times: 3, of: 5 };

/** What an environment's alarms watch. Lambda's and SQS's own figures where these tell it, and else what functions print. */
export function alarmDefinitions({
  names,
  routing,
  replay,
  sweeping,
  watching,
  thresholds,
}: Watched): AlarmDefinition[] {
  const measured = (part: string, metricName: string, statistic: string, period = MINUTE) =>
    new Metric({ namespace: names.metrics, metricName, dimensionsMap: { part }, statistic, period });
  const { router, liveQueue } = routing;
  const inQueues = [router, routing.deadLetters, routing.ruleDeadLetterTaker, routing.outcomes];
  const everyMinute = [replay.replayer, sweeping.sweeper, sweeping.moveSweeper, sweeping.guard, watching.watcher];
  return [
    ...deadLetters(routing),
    {
      name: "live-queue-age",
      says: "Events wait long until a router receives them for the first time, or none receives any.",
      see: "doctor",
      // The queue's own age is that of the oldest message that isn't deleted: also of one that a slow component works on,
      // and not of those that came back three times. It counts where nothing is received, and nothing could come back.
      metric: math("IF(FILL(received, 0) > 0, FILL(waited, 0) / 1000, IF(FILL(visible, 0) > 0, FILL(age, 0), 0))", {
        received: measured("router", "Received", "Sum"),
        waited: measured("router", "QueueWait", "Maximum"),
        visible: waiting(liveQueue),
        age: liveQueue.metricApproximateAgeOfOldestMessage({ period: MINUTE, statistic: "Maximum" }),
      }),
      from: thresholds.oldestMessage.toSeconds(),
      reached: MOSTLY,
    },
    {
      name: "unrouted-events",
      says:
        "Routers give whole batches back: the tables can't be read or written, or what decides can't be asked. Lambda " +
        "counts no error of it, as each message is given back by itself. Nothing is lost; the router's log says why.",
      see: "doctor",
      metric: math("100 * FILL(unrouted, 0) / FILL(received, 1)", {
        unrouted: measured("router", "Unrouted", "Sum"),
        received: measured("router", "Received", "Sum"),
      }),
      from: thresholds.unroutedPercent,
      reached: MOSTLY,
    },
    {
      name: "returned-events",
      says: "Most of what routers receive has been coming back for a quarter of an hour: its deliveries fail or find no room.",
      see: "health",
      metric: math("100 * FILL(returned, 0) / FILL(received, 1)", {
        returned: measured("router", "Returned", "Sum"),
        received: measured("router", "Received", "Sum"),
      }),
      from: thresholds.returnedPercent,
      reached: { times: 12, of: 15 },
    },
    {
      name: "unhealthy-versions",
      says:
        "A version fails more often than stable does, or than it did before, beyond chance. Put its customers back, or take " +
        "the version back and have what it failed at run again, with 'undo'.",
      see: "health",
      metric: measured("watcher", "UnhealthyVersions", "Maximum"),
      from: 1,
      reached: { times: 2, of: 3 },
    },
    {
      name: "unexpected-versions",
      says:
        "Events were run by another version than the one that their alias was moved to by Turnout: somebody has moved it, " +
        "or shares it out, by other means.",
      see: "doctor",
      metric: measured("watcher", "UnexpectedVersions", "Maximum"),
      from: 1,
      reached: { times: 2, of: 3 },
    },
    {
      name: "unresolved",
      says: "Deliveries have ended dead or rejected within the last hour. They are kept until they are replayed.",
      see: "events --unresolved --since 1h",
      metric: math(
        "FILL(routed, 0) + FILL(told, 0) + FILL(given, 0) + FILL(refused, 0) + FILL(replayed, 0) + FILL(rejected, 0)",
        {
          routed: measured("router", "Dead", "Sum", FIVE_MINUTES),
          rejected: measured("router", "Rejected", "Sum", FIVE_MINUTES),
          told: measured("outcomes", "Dead", "Sum", FIVE_MINUTES),
          given: measured("dead-letters", "Dead", "Sum", FIVE_MINUTES),
          refused: measured("rule-dead-letters", "Dead", "Sum", FIVE_MINUTES),
          replayed: measured("replayer", "Dead", "Sum", FIVE_MINUTES),
        },
        FIVE_MINUTES,
      ),
      from: thresholds.unresolved,
      reached: { times: 1, of: 12 },
    },
    {
      name: "fallbacks",
      says:
        "Events went to a fallback alias, as the alias that a rule names is unknown or retired. The rule is to be changed, " +
        "or the alias made.",
      see: "pins",
      metric: measured("router", "Fallbacks", "Sum", FIVE_MINUTES),
      from: thresholds.fallbacks,
    },
    {
      name: "duplicates",
      says:
        "A publisher sends much of what it sends again, under the same idempotency key. It is not run again, but somebody " +
        "retries without need.",
      see: "counts --by type --since 1h",
      metric: math(
        "(FILL(duplicates, 0) >= 10) * 100 * FILL(duplicates, 0) / FILL(received, 1)",
        {
          duplicates: measured("router", "Duplicates", "Sum", FIVE_MINUTES),
          received: measured("router", "Received", "Sum", FIVE_MINUTES),
        },
        FIVE_MINUTES,
      ),
      from: thresholds.duplicatesPercent,
      reached: { times: 2, of: 3 },
    },
    ...inQueues.map((one) => ({
      ...errorsOf(one),
      // What it is given back by itself is no error: it crashed, or took too long, and its batch is hidden for 90 minutes.
      says: `The ${one.part} has crashed, or took longer than it may. Its batch comes back after 90 minutes.`,
    })),
    ...everyMinute.map((one) => ({
      ...errorsOf(one),
      says: `The ${one.part} keeps ending with errors: its log says which.`,
      reached: { times: 3, of: 15 },
    })),
    ...[...inQueues, ...everyMinute].map((one) => ({
      name: `${one.part}-throttles`,
      says: `Lambda has no room for the ${one.part}: raise the account's concurrency, or lower the environment's.`,
      see: "doctor",
      metric: one.metricThrottles({ period: MINUTE, statistic: "Sum" }),
      from: 1,
      reached: { times: 5, of: 15 },
    })),
    ...[sweeping.sweeper, sweeping.moveSweeper, sweeping.guard, watching.watcher].map((one) => silenceOf(one, names)),
    // It drives a replay for as long as 15 minutes, and no other may begin then where as many run as may.
    silenceOf(replay.replayer, names, 4),
  ];
}

/** A queue that is emptied within seconds is empty whenever it is counted; who empties it has been called. */
function deadLetters(routing: EventRouting): AlarmDefinition[] {
  const reached = (queue: Queue, taker: TurnoutFunction) =>
    math("FILL(called, 0) + FILL(left, 0)", {
      called: taker.metricInvocations({ period: MINUTE, statistic: "Sum" }),
      left: waiting(queue),
    });
  return [
    {
      name: "rule-dead-letters",
      says: "EventBridge couldn't put events into the live queue: they are dead, with the error RuleGaveUp.",
      see: "events --unresolved --since 1d",
      metric: reached(routing.ruleDeadLetters, routing.ruleDeadLetterTaker),
      from: 1,
    },
    {
      name: "live-dead-letters",
      says: "Events were received 1,000 times, and no router finished them: they are dead, with the error QueueGaveUp.",
      see: "events --unresolved --since 1d",
      metric: reached(routing.deadLetterQueue, routing.deadLetters),
      from: 1,
    },
    {
      name: "outcome-dead-letters",
      says:
        "Messages of the outcomes queue are no outcomes, or tell of attempts that others were handed. Nothing takes them; " +
        "the log of the function 'outcomes' says of each why it was refused.",
      see: "doctor",
      metric: waiting(routing.outcomeDeadLetters),
      from: 1,
    },
  ];
}

function errorsOf(one: TurnoutFunction): Omit<AlarmDefinition, "says"> {
  const metric = one.metricErrors({ period: MINUTE, statistic: "Sum" });
  return { name: `${one.part}-errors`, see: "doctor", metric, from: 1 };
}

/** Rings when nothing happens: a schedule that calls nobody makes no error, and neither does work that never ends. */
function silenceOf({ part }: TurnoutFunction, names: EnvironmentNames, fiveMinutes = 1): AlarmDefinition {
  const beats = { namespace: names.metrics, metricName: "Beats", dimensionsMap: { part } };
  return {
    name: `${part}-silent`,
    says: `The ${part} hasn't ended its work well for ${5 * fiveMinutes} minutes; it is called every minute.`,
    see: "doctor",
    metric: new Metric({ ...beats, statistic: "Sum", period: FIVE_MINUTES }),
    from: 1,
    isBelow: true,
    reached: { times: fiveMinutes, of: fiveMinutes },
  };
}

function waiting(queue: Queue): Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ period: MINUTE, statistic: "Maximum" });
}

function math(
  expression: string,
  usingMetrics: NonNullable<MathExpressionProps["usingMetrics"]>,
  period = MINUTE,
): MathExpression {
  return new MathExpression({ expression, usingMetrics, period });
}
