import * as z from "zod";
import { readable } from "../infra/granted.ts";
import { metricMath, type Series } from "./metric-math.ts";

const Metric = z.strictObject({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.strictObject({ Name: z.string(), Value: z.unknown() })),
});

/** An alarm's definition, as CloudFormation gets it. What isn't known here is refused: nobody has tested it. */
export const AlarmProperties = z.strictObject({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  ComparisonOperator: z.enum(["GreaterThanOrEqualToThreshold", "LessThanThreshold"]),
  Threshold: z.number(),
  EvaluationPeriods: z.int(),
  DatapointsToAlarm: z.int(),
  TreatMissingData: z.enum(["breaching", "notBreaching"]),
  ...{ AlarmActions: z.optional(z.unknown()), OKActions: z.optional(z.unknown()) },
  // A single metric, or several and an expression.
  ...Metric.partial().shape,
  Statistic: z.optional(z.string()),
  Period: z.optional(z.int()),
  Metrics: z.optional(
    z.array(
      z.strictObject({
        Id: z.string(),
        Expression: z.optional(z.string()),
        Label: z.optional(z.string()),
        MetricStat: z.optional(z.strictObject({ Metric, Period: z.int(), Stat: z.string() })),
        ReturnData: z.optional(z.boolean()),
      }),
    ),
  ),
});
export type AlarmProperties = z.infer<typeof AlarmProperties>;

/** What was measured in each minute, the oldest first, by metric: `router.Received`, `RoutingLiveQueue.NumberOf…`. */
export type Measured = Readonly<Record<string, Series>>;

/** How many more periods than it judges an alarm looks at, for want of data in the newest. */
const LOOKS_FURTHER = 2;

/**
 * The state that an alarm reaches by what was measured, the last minute just over. As CloudWatch has it: the newest data
 * points count, of some periods more than are judged; where there are too few, the rest is as missing data is treated.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function alarmState(alarm: AlarmProperties, measured: Measured): "OK" | "ALARM" {
  const { EvaluationPeriods: judged, DatapointsToAlarm: times, Threshold: threshold } = alarm;
  const points = dataOf(alarm, measured).flatMap((value) => value ?? []);
  const isBreaching = (value: number) =>
    alarm.ComparisonOperator === "LessThanThreshold" ? value < threshold : value >= threshold;
  const newest = points.slice(-judged);
  const missing = alarm.TreatMissingData === "breaching" ? judged - newest.length : 0;
  return newest.filter(isBreaching).length + missing >= times ? "ALARM" : "OK";
}

/** The metrics that an alarm reads, as a table of measured values names them. */
export function metricsOf(alarm: AlarmProperties): string[] {
  return statsOf(alarm).map(({ key }) => key);
}

function dataOf(alarm: AlarmProperties, measured: Measured): Series {
  const periods = alarm.EvaluationPeriods + LOOKS_FURTHER;
  const stats = statsOf(alarm);
  const series = stats.map(({ key, period, stat }) => inPeriods(measured[key] ?? [], period / 60, stat, periods));
  const expressions = alarm.Metrics?.flatMap(({ Expression }) => Expression ?? []) ?? [];
  const [expression, another] = expressions;
  if (another !== undefined) throw new Error(`${alarm.AlarmName} has several expressions`);
  if (expression === undefined) return series[0] ?? [];
  return metricMath(expression, Object.fromEntries(stats.map(({ id }, n) => [id, series[n] ?? []])), periods);
}

function statsOf(alarm: AlarmProperties) {
  const { Namespace, MetricName, Dimensions, Statistic, Period, Metrics } = alarm;
  const single = {
    Id: "single",
    MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period, Stat: Statistic },
  };
  return (Metrics ?? [single]).flatMap(({ Id: id, MetricStat }) => {
    if (MetricStat === undefined) return [];
    const { Metric: metric, Period: period = 0, Stat: stat = "" } = MetricStat;
    const [dimension] = metric.Dimensions ?? [];
    return [{ id, period, stat, key: `${readable(dimension?.Value)}.${metric.MetricName}` }];
  });
}

/** The last periods' values; each has the minutes that lie in it. */
function inPeriods(minutes: Series, length: number, stat: string, periods: number): Series {
  return Array.from({ length: periods }, (_, n) => {
    const end = minutes.length - (periods - 1 - n) * length;
    const own = minutes.slice(Math.max(0, end - length), Math.max(0, end)).filter((value) => value !== undefined);
    if (own.length === 0) return undefined;
    if (stat === "Sum") return own.reduce((sum, value) => sum + value, 0);
    if (stat === "Maximum") return Math.max(...own);
    throw new Error(`the statistic ${stat} isn't known here`);
  });
}
