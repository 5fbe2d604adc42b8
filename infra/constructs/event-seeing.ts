import { Duration } from "aws-cdk-lib";
import {
  type Alarm,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { AlarmThresholds } from "./alarm-definitions.ts";
import { EnvironmentAlarms } from "./environment-alarms.ts";
import type { EnvironmentNames } from "./environment-names.ts";
import type { EventReplay } from "./event-replay.ts";
import type { EventRouting } from "./event-routing.ts";
import type { EventSweeping } from "./event-sweeping.ts";
import type { HealthWatching } from "./health-watching.ts";
import { SavedQueries } from "./saved-queries.ts";
import type { TurnoutFunction } from "./turnout-function.ts";

export type EventSeeingProps = {
  names: EnvironmentNames;
  routing: EventRouting;
  replay: EventReplay;
  sweeping: EventSweeping;
  watching: HealthWatching;
  /** From when on alarms ring. */
  thresholds?: Partial<AlarmThresholds>;
  /** Told of every alarm that rings or ends. Default: nobody, the alarms are only shown. */
  alarmTopic?: ITopic;
};

/** Alarms on what nobody else would notice, one dashboard, and the queries that a hunt begins with. */
export class EventSeeing extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: EventSeeingProps) {
    super(scope, id);
    const { names, routing, replay, sweeping, watching } = props;
    const functions = [
      routing.router,
      routing.deadLetters,
      routing.ruleDeadLetterTaker,
      routing.outcomes,
      replay.replayer,
      sweeping.sweeper,
      sweeping.moveSweeper,
      sweeping.guard,
      watching.watcher,
    ];
    const { alarms } = new EnvironmentAlarms(this, "Alarms", {
      ...{ names, routing, replay, sweeping, watching },
      ...(props.thresholds === undefined ? {} : { thresholds: props.thresholds }),
      ...(props.alarmTopic === undefined ? {} : { alarmTopic: props.alarmTopic }),
    });
    this.alarms = alarms;
    this.dashboard(names, functions, props);
    new SavedQueries(this, "Queries", { names, functions });
  }

  private dashboard(names: EnvironmentNames, functions: TurnoutFunction[], { routing }: EventSeeingProps): void {
    const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 12 });
    // Of every version that there has been in the period, whatever it is called.
    const ofVersions = (metric: string, statistic: string) =>
      new MathExpression({
        expression: `SEARCH('{${names.metrics},component,component_version} MetricName="${metric}"', '${statistic}', 60)`,
        usingMetrics: {},
        label: "",
      });
    new Dashboard(this, "Dashboard", {
      dashboardName: names.of("overview"),
      widgets: [
        [new TextWidget({ markdown: `# Turnout, ${names.environment}`, width: 24, height: 1 })],
        [
          graph("Live queue", [
            routing.liveQueue.metricApproximateNumberOfMessagesVisible(),
            routing.liveQueue.metricApproximateNumberOfMessagesNotVisible(),
          ]),
          graph("Until it is received for the first time (ms)", [
            new Metric({
              namespace: names.metrics,
              metricName: "QueueWait",
              dimensionsMap: { part: routing.router.part },
              statistic: "Maximum",
            }),
          ]),
        ],
        [
          graph("First attempts by version", [ofVersions("FirstAttempts", "Sum")]),
          graph("Failed first attempts by version", [ofVersions("FailedFirstAttempts", "Sum")]),
        ],
        [
          graph("Duration by version, p95 (ms)", [ofVersions("Duration", "p95")]),
          graph("Dead by version", [ofVersions("Dead", "Sum")]),
        ],
        [
          graph(
            "Given up",
            [routing.ruleDeadLetters, routing.deadLetterQueue, routing.outcomeDeadLetters].map(waiting),
          ),
          graph(
            "Invocations",
            functions.map((one) => one.metricInvocations()),
          ),
        ],
        [
          graph(
            "Errors",
            functions.map((one) => one.metricErrors()),
          ),
          graph(
            "Duration, p99",
            functions.map((one) => one.metricDuration({ statistic: "p99" })),
          ),
        ],
      ],
    });
  }
}

function waiting(queue: Queue): IMetric {
  return queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: "Maximum" });
}
