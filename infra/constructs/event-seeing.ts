import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  TextWidget,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { QueryDefinition, QueryString } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
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
  /** How long a message may wait in the live queue. Default 5 minutes. */
  oldestMessage?: Duration;
  /** Told of every alarm that rings or ends. Default: nobody, the alarms are only shown. */
  alarmTopic?: ITopic;
};

type AlarmOptions = {
  name: string;
  says: string;
  metric: IMetric;
  /** Rings from this value on. */
  from: number;
  minutes?: number;
};

/** Alarms on what nobody else would notice, one dashboard, and the two queries that an error's hunt begins with. */
export class EventSeeing extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: EventSeeingProps) {
    super(scope, id);
    const { names, routing, replay, sweeping, oldestMessage = Duration.minutes(5) } = props;
    const functions = [
      routing.router,
      routing.deadLetters,
      routing.ruleDeadLetterTaker,
      routing.outcomes,
      replay.replayer,
      sweeping.sweeper,
      sweeping.moveSweeper,
    ];
    // A queue that is emptied within seconds is empty whenever it is counted; who empties it has been called.
    const deadLetters: [string, IMetric, string][] = [
      [
        "rule-dead-letters",
        called(routing.ruleDeadLetterTaker),
        "EventBridge couldn't put events into the live queue: they are dead, with the error RuleGaveUp.",
      ],
      [
        "live-dead-letters",
        called(routing.deadLetters),
        "Events were received 1,000 times, and no router finished them: they are dead, with the error QueueGaveUp.",
      ],
      [
        "outcome-dead-letters",
        waiting(routing.outcomeDeadLetters),
        "Messages of the outcomes queue are no outcomes, or tell of attempts that others were handed.",
      ],
    ];
    const alarms: AlarmOptions[] = [
      ...deadLetters.map(([name, metric, says]) => ({ name, says, metric, from: 1 })),
      ...functions.flatMap((one) => [
        {
          name: `${one.part}-errors`,
          says: `The ${one.part} ends with errors: its log says which.`,
          metric: one.metricErrors({ period: Duration.minutes(1), statistic: "Sum" }),
          from: 1,
          minutes: 3,
        },
        {
          name: `${one.part}-throttles`,
          says: `Lambda has no room for the ${one.part}: raise the account's concurrency or lower its own.`,
          metric: one.metricThrottles({ period: Duration.minutes(1), statistic: "Sum" }),
          from: 1,
          minutes: 5,
        },
      ]),
      {
        name: "live-queue-age",
        says: "Events wait in the live queue: routers are too few, throttled, or fail.",
        metric: routing.liveQueue.metricApproximateAgeOfOldestMessage({
          period: Duration.minutes(1),
          statistic: "Maximum",
        }),
        from: oldestMessage.toSeconds(),
        minutes: 3,
      },
    ];
    this.alarms = [
      ...alarms.map((options) => this.alarm(props, options)),
      ...[replay.replayer, sweeping.sweeper, sweeping.moveSweeper].map((one) => this.idleAlarm(props, one)),
    ];
    this.dashboard(names, functions, props);
    this.queries(names, functions);
  }

  private alarm(
    { names, alarmTopic }: EventSeeingProps,
    { name, says, metric, from, minutes = 1 }: AlarmOptions,
  ): Alarm {
    const alarm = new Alarm(this, name, {
      alarmName: names.of(name),
      alarmDescription: says,
      metric,
      threshold: from,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: minutes,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    return told(alarm, alarmTopic);
  }

  /** Rings when nothing happens: a schedule that calls nobody makes no error. */
  private idleAlarm({ names, alarmTopic }: EventSeeingProps, one: TurnoutFunction): Alarm {
    const alarm = new Alarm(this, `${one.part}-idle`, {
      alarmName: names.of(`${one.part}-idle`),
      alarmDescription: `The ${one.part} hasn't been called for 5 minutes; it is called every minute.`,
      metric: one.metricInvocations({ period: Duration.minutes(5), statistic: "Sum" }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.BREACHING,
    });
    return told(alarm, alarmTopic);
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

function called(one: TurnoutFunction): IMetric {
  return one.metricInvocations({ period: Duration.minutes(1), statistic: "Sum" });
}

function told(alarm: Alarm, topic: ITopic | undefined): Alarm {
  if (topic === undefined) return alarm;
  const action = new SnsAction(topic);
  alarm.addAlarmAction(action);
  alarm.addOkAction(action);
  return alarm;
}
