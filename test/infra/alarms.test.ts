import { Duration } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { AlarmProperties, alarmState, type Measured, metricsOf } from "../support/alarm-state.ts";
import { runHere } from "../support/cli-in-process.ts";
import type { Series } from "../support/metric-math.ts";
import { synthesized } from "./synthesized.ts";

const alarms = new Map(
  synthesized("prod")
    .resources.filter(({ type }) => type === "AWS::CloudWatch::Alarm")
    .map(({ properties }) => AlarmProperties.parse(properties))
    .map((alarm) => [alarm.AlarmName.replace("prod-turnout-", ""), alarm]),
);

type Row = { alarm: string; when: string; measured: Measured; state: "OK" | "ALARM" };

const MINUTES = 70;

/** A value in each minute, and then these in the last ones; undefined: nothing was measured. */
function minutes(always: number | undefined, ...last: (number | undefined)[]): Series {
  return [...Array<number | undefined>(MINUTES - last.length).fill(always), ...last];
}

/** A value in each of the last minutes, and nothing measured before. */
function lately(count: number, value: number, always?: number): Series {
  return minutes(always, ...Array<number>(count).fill(value));
}

/** So many minutes in which nothing is measured. */
function silence(count: number): undefined[] {
  return Array<undefined>(count).fill(undefined);
}

/** Nothing but this is measured. */
const only = (name: string, series: Series): Measured => ({ [name]: series });

/** Rows of an alarm: what it rings at, and what it doesn't. */
function rows(alarm: string, rings: Record<string, Measured>, quiet: Record<string, Measured>): Row[] {
  return [
    ...Object.entries(rings).map(([when, measured]): Row => ({ alarm, when, measured, state: "ALARM" })),
    ...Object.entries(quiet).map(([when, measured]): Row => ({ alarm, when, measured, state: "OK" })),
  ];
}

const received = (series: Series) => only("router.Received", series);
const VISIBLE = "ApproximateNumberOfMessagesVisible";
const AGE = "RoutingLiveQueue.ApproximateAgeOfOldestMessage";

function deadLetterRows(alarm: string, taker: string, queue: string): Row[] {
  const empty = { [`${queue}.${VISIBLE}`]: minutes(0) };
  return rows(
    alarm,
    {
      "one was taken at once, so that none was ever there to be counted": {
        ...empty,
        [`${taker}.Invocations`]: minutes(undefined, 1),
      },
      "some were taken, and the queue, unused else, tells nothing": only(`${taker}.Invocations`, minutes(undefined, 1)),
      "one lies there, and nobody takes it": only(`${queue}.${VISIBLE}`, minutes(0, 1)),
    },
    {
      "nothing was ever there": {},
      "nothing is there": empty,
      "one was taken a minute ago, and told then": {
        ...empty,
        [`${taker}.Invocations`]: minutes(undefined, 1, undefined),
      },
    },
  );
}

const functions = {
  router: "RoutingRouter",
  "dead-letters": "RoutingDeadLetters",
  "rule-dead-letters": "RoutingRuleDeadLetterTaker",
  outcomes: "RoutingOutcomes",
  replayer: "ReplayReplayer",
  sweeper: "SweepingSweeper",
  "move-sweeper": "SweepingMoveSweeper",
  guard: "SweepingGuard",
  watcher: "WatchingWatcher",
};
const everyMinute = ["replayer", "sweeper", "move-sweeper", "guard", "watcher"];

const table: Row[] = [
  ...deadLetterRows("rule-dead-letters", "RoutingRuleDeadLetterTaker", "RoutingRuleDeadLetters"),
  ...deadLetterRows("live-dead-letters", "RoutingDeadLetters", "RoutingDeadLetterQueue"),
  ...rows(
    "outcome-dead-letters",
    { "one lies there": only(`RoutingOutcomeDeadLetters.${VISIBLE}`, minutes(0, 1)) },
    {
      "nothing was ever there": {},
      "nothing is there any more": only(`RoutingOutcomeDeadLetters.${VISIBLE}`, minutes(0, 1, 0)),
    },
  ),

  ...rows(
    "live-queue-age",
    {
      "what arrives waits for five minutes": { ...received(minutes(100)), "router.QueueWait": lately(3, 300_000, 50) },
      "what arrives waits, and two minutes' figures aren't in yet": {
        ...received(minutes(100, undefined, undefined)),
        "router.QueueWait": minutes(50, 300_000, 400_000, 500_000, undefined, undefined),
      },
      "nothing is received, and the oldest grows old": {
        [`RoutingLiveQueue.${VISIBLE}`]: lately(8, 1, 0),
        [AGE]: minutes(0, 60, 120, 180, 240, 300, 360, 420),
      },
    },
    {
      "nothing was ever there": {},
      "nothing is there": { [`RoutingLiveQueue.${VISIBLE}`]: minutes(0), [AGE]: minutes(0) },
      "what arrives waits for a second less": { ...received(minutes(100)), "router.QueueWait": lately(30, 299_000) },
      "what arrives waited, in two minutes": { ...received(minutes(100)), "router.QueueWait": lately(2, 900_000, 50) },
      "what arrives waited, six minutes ago": {
        ...received(minutes(100)),
        "router.QueueWait": minutes(50, 900_000, 50, 50, 50, 900_000, 900_000),
      },
      "what arrives waited, and since then only what comes back is received": {
        ...received(minutes(100)),
        "router.QueueWait": minutes(undefined, 900_000, 900_000, 900_000, ...silence(4)),
      },
      "what arrives waited, and since then nothing is measured": {
        ...received(minutes(undefined, 100, 100, 100, ...silence(4))),
        "router.QueueWait": minutes(undefined, 900_000, 900_000, 900_000, ...silence(4)),
      },
      "what arrives waited, and since then of the queue only its length is measured": {
        ...received(minutes(undefined, 100, 100, 100, ...silence(4))),
        "router.QueueWait": minutes(undefined, 900_000, 900_000, 900_000, ...silence(4)),
        [`RoutingLiveQueue.${VISIBLE}`]: minutes(1),
      },
      "a component works on an event for 14 minutes: it isn't deleted, and nothing else is there": {
        ...received(minutes(undefined, 1, ...silence(12))),
        "router.QueueWait": minutes(undefined, 20, ...silence(12)),
        [`RoutingLiveQueue.${VISIBLE}`]: minutes(0),
        [AGE]: minutes(0, ...Array.from({ length: 13 }, (_, n) => 60 * n)),
      },
      "what fails comes back, older each time, while what is new goes through at once": {
        ...received(minutes(120)),
        "router.QueueWait": minutes(40),
        [`RoutingLiveQueue.${VISIBLE}`]: minutes(3),
        [AGE]: minutes(900),
      },
      "what comes back is all that is received": {
        ...received(minutes(2)),
        [`RoutingLiveQueue.${VISIBLE}`]: minutes(1),
        [AGE]: minutes(900),
      },
    },
  ),

  ...rows(
    "unrouted-events",
    {
      "the router can route nothing, without an error, and the age says little of what came back three times": {
        ...received(lately(3, 100)),
        "router.Unrouted": lately(3, 100),
        "router.Returned": lately(3, 100),
        "RoutingRouter.Errors": minutes(0),
        [AGE]: minutes(2),
      },
      "a tenth of what is received goes back whole": {
        ...received(minutes(100)),
        "router.Unrouted": minutes(undefined, 10, undefined, 10, undefined, 10),
      },
    },
    {
      "nothing happens": {},
      "all goes well": received(minutes(100)),
      "less than a tenth of it goes back": { ...received(minutes(100)), "router.Unrouted": lately(20, 9) },
      "the store was away for two minutes": { ...received(minutes(100)), "router.Unrouted": lately(2, 100) },
      "it was away three times in six minutes": {
        ...received(minutes(100)),
        "router.Unrouted": minutes(undefined, 100, undefined, undefined, undefined, 100, 100),
      },
      "it was away, and nothing has come since": {
        ...received(minutes(undefined, 100, 100, 100, ...silence(4))),
        "router.Unrouted": minutes(undefined, 100, 100, 100, ...silence(4)),
      },
      "a component fails, and its events come back": { ...received(minutes(100)), "router.Returned": lately(20, 70) },
    },
  ),

  ...rows(
    "returned-events",
    {
      "three quarters come back, for a quarter of an hour": {
        ...received(minutes(100)),
        "router.Returned": minutes(undefined, ...Array<number>(12).fill(75), undefined, undefined, undefined),
      },
    },
    {
      "nothing happens": {},
      "all goes well": received(minutes(100)),
      "a component whose deliveries are tried three times fails": {
        ...received(minutes(300)),
        "router.Returned": lately(60, 200),
      },
      "somewhat less comes back": { ...received(minutes(100)), "router.Returned": lately(60, 74) },
      "they came back for eleven minutes": {
        ...received(minutes(100)),
        "router.Returned": minutes(undefined, ...Array<number>(11).fill(100), ...silence(4)),
      },
      "they came back until five minutes ago, and nothing has come since": {
        ...received(minutes(undefined, ...Array<number>(12).fill(100), ...silence(5))),
        "router.Returned": minutes(undefined, ...Array<number>(12).fill(100), ...silence(5)),
      },
      "they came back for twelve minutes of sixteen": {
        ...received(minutes(100)),
        "router.Returned": minutes(undefined, 100, ...silence(4), ...Array<number>(11).fill(100)),
      },
    },
  ),

  ...rows(
    "unresolved",
    {
      ...Object.fromEntries(
        ["router", "outcomes", "dead-letters", "rule-dead-letters", "replayer"].map((part) => [
          `one is dead by the ${part}`,
          only(`${part}.Dead`, minutes(undefined, 1)),
        ]),
      ),
      "one can't be read": only("router.Rejected", minutes(undefined, 1)),
      "one died within the hour, and nobody has looked yet": only("router.Dead", minutes(undefined, 1, ...silence(58))),
    },
    {
      "none ever was": {},
      "one died more than an hour ago": only("router.Dead", minutes(undefined, 1, ...silence(61))),
      "all are done": { ...received(minutes(100)), "router.FirstAttempts": minutes(100) },
    },
  ),

  ...rows(
    "fallbacks",
    {
      "one went to the fallback": only("router.Fallbacks", minutes(undefined, 1)),
      "one went there four minutes ago": only("router.Fallbacks", minutes(undefined, 1, ...silence(4))),
    },
    {
      "none ever did": {},
      "one went there before, and what came since didn't": only("router.Fallbacks", minutes(0, 1, 0, 0, 0, 0, 0)),
    },
  ),

  ...rows(
    "duplicates",
    {
      "a publisher sends a fifth of all twice": {
        ...received(minutes(100)),
        "router.Duplicates": minutes(undefined, 100, ...silence(5), 100),
      },
      "ten duplicates are all that comes": { ...received(lately(10, 2)), "router.Duplicates": lately(10, 2) },
    },
    {
      "nothing comes": {},
      "all comes once": received(minutes(100)),
      "somewhat less comes twice": {
        ...received(minutes(100)),
        "router.Duplicates": minutes(undefined, 99, ...silence(5), 99),
      },
      "a few of the few come twice": {
        ...received(lately(10, 2)),
        "router.Duplicates": minutes(undefined, 9, ...silence(5), 9),
      },
      "they came twice, and nothing has come since": {
        ...received(minutes(undefined, 100, ...silence(4), 100, ...silence(10))),
        "router.Duplicates": minutes(undefined, 100, ...silence(4), 100, ...silence(10)),
      },
      "a burst of them came once": { ...received(minutes(100)), "router.Duplicates": minutes(undefined, 500) },
      "a burst came now, and one a quarter of an hour ago": {
        ...received(minutes(100)),
        "router.Duplicates": minutes(undefined, 500, ...silence(14), 500),
      },
    },
  ),

  ...Object.entries(functions).flatMap(([part, id]): Row[] => {
    const errors = `${id}.Errors`;
    const throttles = `${id}.Throttles`;
    return [
      ...(everyMinute.includes(part)
        ? rows(
            `${part}-errors`,
            { "it fails every five minutes": only(errors, minutes(0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0)) },
            {
              "it is new": {},
              "all goes well": only(errors, minutes(0)),
              "it failed twice": only(errors, lately(2, 1, 0)),
              "it failed three times in sixteen minutes": only(errors, minutes(0, 1, ...Array(13).fill(0), 1, 1)),
            },
          )
        : rows(
            `${part}-errors`,
            { "it crashed once: its batch comes back in 90 minutes": only(errors, minutes(0, 1)) },
            {
              "it is new": {},
              "all goes well": only(errors, minutes(0)),
              "it crashed before": only(errors, minutes(0, 1, 0)),
            },
          )),
      ...rows(
        `${part}-throttles`,
        { "it finds no room every three minutes": only(throttles, minutes(0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1)) },
        {
          "it is new": {},
          "all goes well": only(throttles, minutes(0)),
          "a burst found no room": only(throttles, lately(4, 50, 0)),
          "it found no room five times in sixteen minutes": only(
            throttles,
            minutes(0, 1, ...Array(11).fill(0), 1, 1, 1, 1),
          ),
        },
      ),
    ];
  }),

  ...["UnhealthyVersions", "UnexpectedVersions"].flatMap((metric) =>
    rows(
      metric === "UnhealthyVersions" ? "unhealthy-versions" : "unexpected-versions",
      { "there is one, by two looks of three": only(`watcher.${metric}`, minutes(0, 1, undefined, 1)) },
      {
        "nobody looks": {},
        "there is none": only(`watcher.${metric}`, minutes(0)),
        "one look has found one": only(`watcher.${metric}`, minutes(0, 3)),
        "there was one, by looks that are further apart": only(`watcher.${metric}`, minutes(0, 1, 0, 0, 1)),
      },
    ),
  ),

  ...["sweeper", "move-sweeper", "guard", "watcher"].flatMap((part) =>
    rows(
      `${part}-silent`,
      {
        "it never ran": {},
        "it has stopped": only(`${part}.Beats`, minutes(1, ...silence(15))),
        "it is called, and fails each time": {
          [`${functions[part as "sweeper"]}.Invocations`]: minutes(1),
          [`${part}.Beats`]: minutes(0),
        },
        "it has stopped for five minutes": only(`${part}.Beats`, minutes(1, 0, 0, 0, 0, 0)),
      },
      {
        "it runs": only(`${part}.Beats`, minutes(1)),
        "it has run once in five minutes": only(`${part}.Beats`, minutes(0, 1, 0, 0, 0, 0)),
      },
    ),
  ),
  ...rows(
    "replayer-silent",
    {
      "it never ran": {},
      "it has stopped": only("replayer.Beats", minutes(1, ...silence(30))),
      "it has failed for twenty minutes": only("replayer.Beats", minutes(1, ...Array<number>(20).fill(0))),
    },
    {
      "it runs": only("replayer.Beats", minutes(1)),
      "as many replays as may run have run for 15 minutes": only(
        "replayer.Beats",
        minutes(1, ...Array<number>(15).fill(0)),
      ),
      "it has run once in twenty minutes": only("replayer.Beats", minutes(0, 1, ...Array<number>(19).fill(0))),
    },
  ),
];

function alarmNamed(name: string): AlarmProperties {
  const alarm = alarms.get(name);
  if (alarm === undefined) throw new Error(`there is no alarm ${name}`);
  return alarm;
}

describe("An alarm, run on what was measured, with its own definition", () => {
  it.each(table)("$alarm is $state when $when", ({ alarm, measured, state }) => {
    expect(alarmState(alarmNamed(alarm), measured)).toBe(state);
  });
});

type Change = [what: string, change: Partial<AlarmProperties>];

/** The definition with one thing of it changed. */
function mutants(alarm: AlarmProperties): [what: string, mutant: AlarmProperties][] {
  const { Threshold, DatapointsToAlarm: times, EvaluationPeriods: of, ComparisonOperator: compared } = alarm;
  const isBelow = compared === "LessThanThreshold";
  const math = alarm.Metrics?.find(({ Expression }) => Expression !== undefined);
  const changes: Change[] = [
    ["a threshold that is higher", { Threshold: Threshold + 1 }],
    ["a threshold that is lower", { Threshold: Threshold - 1 }],
    ["the other comparison", { ComparisonOperator: isBelow ? "GreaterThanOrEqualToThreshold" : "LessThanThreshold" }],
    // Where all that is read is filled, none is missing.
    ...(math === undefined
      ? [["missing data taken otherwise", { TreatMissingData: isBelow ? "notBreaching" : "breaching" }] as Change]
      : []),
    ["a period more", { EvaluationPeriods: of + 1, ...(isBelow && { DatapointsToAlarm: times + 1 }) }],
    ...(times < of ? [["a time more", { DatapointsToAlarm: times + 1 }] as Change] : []),
    ...(times > 1 ? [["a time less", { DatapointsToAlarm: times - 1 }] as Change] : []),
  ];
  const fills = [...(math?.Expression?.matchAll(/FILL\((\w+), \d+\)/g) ?? [])];
  return [
    ...changes.map(([what, change]): [string, AlarmProperties] => [what, { ...alarm, ...change }]),
    ...fills.map(({ 0: fill, 1: name, index }): [string, AlarmProperties] => {
      const { Expression = "" } = math ?? {};
      const unfilled = `${Expression.slice(0, index)}${name}${Expression.slice(index + fill.length)}`;
      const Metrics = alarm.Metrics?.map((one) => (one === math ? { ...one, Expression: unfilled } : one));
      return [`${fill} at ${index} not filled`, { ...alarm, Metrics }];
    }),
  ];
}

describe("The table of what was measured", () => {
  const cases = [...alarms].flatMap(([name, alarm]) =>
    mutants(alarm).map(([what, mutant]) => ({ name, what, mutant })),
  );

  it.each(cases)("tells $name from one with $what", ({ name, mutant }) => {
    const own = table.filter(({ alarm }) => alarm === name);
    expect(own.some(({ measured, state }) => alarmState(mutant, measured) !== state)).toBe(true);
  });

  it("has only metrics that are measured by something", () => {
    const read = new Set([...alarms.values()].flatMap(metricsOf));
    const unread = table.flatMap(({ measured }) => Object.keys(measured)).filter((name) => !read.has(name));
    // What an alarm of a naive form would read.
    expect([...new Set(unread)].sort()).toEqual([
      "SweepingGuard.Invocations",
      "SweepingMoveSweeper.Invocations",
      "SweepingSweeper.Invocations",
      "WatchingWatcher.Invocations",
      "router.FirstAttempts",
    ]);
  });
});

describe("An environment's alarms", () => {
  const descriptions = [...alarms.values()].map(({ AlarmDescription }) => AlarmDescription);

  it("say what they mean, and end with a command that the command line has", async () => {
    const commands = new Set<string>();
    for (const description of descriptions) {
      const [, says = "", command = ""] = /^(.+\.) See: npx turnout --env prod (.+)$/.exec(description) ?? [];
      expect([description, says.length]).toEqual([description, expect.any(Number)]);
      expect(says.length).toBeGreaterThan(40);
      expect(description.length).toBeLessThanOrEqual(1_024);
      commands.add(command);
    }
    for (const command of commands) {
      // There is no state here; what is mistyped ends with 2.
      const { code } = await runHere(command.split(" "));
      expect([command, code]).toEqual([command, expect.any(Number)]);
      expect([command, code]).not.toEqual([command, 2]);
    }
  });

  it("are ones that CloudWatch takes: no search, ten metrics at most, of one period, over a day at most", () => {
    for (const { AlarmName, Metrics = [], EvaluationPeriods, Period } of alarms.values()) {
      expect([AlarmName, Metrics.some(({ Expression }) => /SEARCH|SELECT/.test(Expression ?? ""))]).toEqual([
        AlarmName,
        false,
      ]);
      const periods = [...new Set(Metrics.flatMap(({ MetricStat }) => MetricStat?.Period ?? []))];
      expect([AlarmName, Metrics.length <= 10]).toEqual([AlarmName, true]);
      expect([AlarmName, Period === undefined ? periods.length : 1]).toEqual([AlarmName, 1]);
      expect((Period ?? periods[0] ?? 0) * EvaluationPeriods).toBeLessThanOrEqual(86_400);
    }
  });

  it("ring from where the environment's settings say", () => {
    const own = synthesized("dev", {
      alarms: { oldestMessage: Duration.minutes(20), returnedPercent: 90, fallbacks: 3 },
    });
    const thresholds = Object.fromEntries(
      own.resources.flatMap(({ type, properties: { AlarmName, Threshold } }) =>
        type === "AWS::CloudWatch::Alarm" ? [[String(AlarmName).replace("dev-turnout-", ""), Threshold]] : [],
      ),
    );
    expect(thresholds).toMatchObject({ "live-queue-age": 1_200, "returned-events": 90, fallbacks: 3, unresolved: 1 });
  });
});
