/** What CloudWatch draws and adds up a metric as. */
export type MetricUnit = "Count" | "Milliseconds";

/** Measured at one moment: a number, or each of several. */
export type Metric = { unit: MetricUnit; value: number | readonly number[] };

export type MetricDocument = {
  /** Where CloudWatch keeps the metrics: one of the environment's own. */
  namespace: string;
  at: Date;
  /** What the metrics are told apart by. Each combination of values is a metric of its own, and is paid for. */
  dimensions: Readonly<Record<string, string>>;
  metrics: Readonly<Record<string, Metric>>;
};

/** Of one metric, in one document. */
export const MAX_METRIC_VALUES = 100;

const MAX_DIMENSION_CHARS = 255;

/**
 * A line of CloudWatch's embedded metric format: printed by a Lambda function it becomes metrics, without a request. Of more
 * than 100 values the first 100 are measured.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function metricLine({ namespace, at, dimensions, metrics }: MetricDocument): string {
  const names = Object.keys(metrics);
  const values = Object.entries(metrics).map(([name, { value }]) => [
    name,
    typeof value === "number" ? value : value.slice(0, MAX_METRIC_VALUES),
  ]);
  const directive = {
    Namespace: namespace,
    Dimensions: [Object.keys(dimensions)],
    Metrics: names.map((Name) => ({ Name, Unit: metrics[Name]?.unit })),
  };
  const said = Object.entries(dimensions).map(([name, value]) => [name, dimensionValue(value)]);
  return JSON.stringify({
    _aws: { Timestamp: at.getTime(), CloudWatchMetrics: [directive] },
    ...Object.fromEntries([...said, ...values]),
  });
}

/** CloudWatch takes printable ASCII, and no empty value. */
function dimensionValue(text: string): string {
  const printable = text.slice(0, MAX_DIMENSION_CHARS).replace(/[^\x20-\x7e]/g, "?");
  return printable.trim() === "" ? "unknown" : printable;
}
