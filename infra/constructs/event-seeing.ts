import { Duration } from "aws-cdk-lib";
import { type Alarm, Dashboard, GraphWidget, type IMetric, TextWidget } from "aws-cdk-lib/aws-cloudwatch";
import { QueryDefinition, QueryString } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { AlarmThresholds } from "./alarm-definitions.ts";
import { EnvironmentAlarms } from "./environment-alarms.ts";
import type { EnvironmentNames } from "./environment-names.ts";
import type { EventReplay } from "./event-replay.ts";
import type { EventRouting } from "./event-routing.ts";
import type { EventSweeping } from "./event-sweeping.ts";
import type { TurnoutFunction } from "./turnout-function.ts";

export type EventSeeingProps = {
  names: EnvironmentNames;
  routing: EventRouting;
  replay: EventReplay;
  sweeping: EventSweeping;
  /** From when on alarms ring. */
  thresholds?: Partial<AlarmThresholds>;
  /** Told of every alarm that rings or ends. Default: nobody, the alarms are only shown. */
  alarmTopic?: ITopic;
};

/** Alarms on what nobody else would notice, one dashboard, and the two queries that an error's hunt begins with. */
export class EventSeeing extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: EventSeeingProps) {
    super(scope, id);
    const { names, routing, replay, sweeping } = props;
    const functions = [
      routing.router,
      routing.deadLetters,
      routing.ruleDeadLetterTaker,
      routing.outcomes,
      replay.replayer,
      sweeping.sweeper,
      sweeping.moveSweeper,
    ];
    const { alarms } = new EnvironmentAlarms(this, "Alarms", {
      ...{ names, routing, replay, sweeping },
      ...(props.thresholds === undefined ? {} : { thresholds: props.thresholds }),
      ...(props.alarmTopic === undefined ? {} : { alarmTopic: props.alarmTopic }),
    });
    this.alarms = alarms;
    this.dashboard(names, functions, props);
    this.queries(names, functions);
  }

  private dashboard(names: EnvironmentNames, functions: TurnoutFunction[], { routing }: EventSeeingProps): void {
    const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 12 });
    new Dashboard(this, "Dashboard", {
      dashboardName: names.of("overview"),
      widgets: [
        [new TextWidget({ markdown: `# Turnout, ${names.environment}`, width: 24, height: 1 })],
        [
          graph("Live queue", [
            routing.liveQueue.metricApproximateNumberOfMessagesVisible(),
            routing.liveQueue.metricApproximateNumberOfMessagesNotVisible(),
          ]),
          graph("Oldest message (s)", [routing.liveQueue.metricApproximateAgeOfOldestMessage()]),
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

  private queries(names: EnvironmentNames, functions: TurnoutFunction[]): void {
    const logGroups = functions.map((one) => one.logGroup);
    new QueryDefinition(this, "Errors", {
      queryDefinitionName: `${names.of("queries")}/errors`,
      logGroups,
      queryString: new QueryString({
        fields: ["@timestamp", "@log", "error.type", "error.message"],
        filterStatements: ['level = "ERROR"'],
        sort: "@timestamp desc",
        limit: 200,
      }),
    });
    new QueryDefinition(this, "ErrorsByType", {
      queryDefinitionName: `${names.of("queries")}/errors-by-type`,
      logGroups,
      queryString: new QueryString({
        filterStatements: ['level = "ERROR"'],
        statsStatements: ["count(*) as errors by error.type, bin(5m)"],
        sort: "errors desc",
      }),
    });
  }
}

function waiting(queue: Queue): IMetric {
  return queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: "Maximum" });
}
