import { QueryDefinition, QueryString, type QueryStringProps } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { EnvironmentNames } from "./environment-names.ts";
import type { TurnoutFunction } from "./turnout-function.ts";

/**
 * Fields of the lines that functions write of deliveries which a query can go to without reading all the rest: those that
 * are asked for by one value. CloudWatch takes 20.
 */
export const INDEXED_FIELDS = [
  "cloudevents.event_id",
  "component",
  "component_version",
  "outcome",
  "customer_id",
  "project_id",
  "user_id",
  "request_id",
  "replay_id",
  "branch",
  "flow",
  "error.type",
  "feature_flag.result.variant",
];

/** What Lambda and Node print when a function crashes, runs out of memory or takes too long: no JSON of ours. */
const CRASHED = String.raw`/Task timed out|\tERROR\t|Runtime exited|Runtime\.[A-Z]|Status: (error|timeout)|FATAL ERROR/`;

/** A version's error stands in a delivery's line, and is none of the function's. */
const TROUBLE = `(level = "ERROR" or @message like ${CRASHED}) and not ispresent(outcome)`;

const FAILED = 'outcome in ["failed", "dead", "rejected"]';

export type SavedQueriesProps = {
  names: EnvironmentNames;
  functions: readonly TurnoutFunction[];
};

/** The queries that a hunt begins with, in CloudWatch Logs Insights under `ENV-turnout-queries`. */
export class SavedQueries extends Construct {
  constructor(scope: Construct, id: string, { names, functions }: SavedQueriesProps) {
    super(scope, id);
    const logGroups = functions.map((one) => one.logGroup);
    const query = (part: string, name: string, asked: QueryStringProps) =>
      new QueryDefinition(this, part, {
        queryDefinitionName: `${names.of("queries")}/${name}`,
        logGroups,
        queryString: new QueryString(asked),
      });
    query("Errors", "errors", {
      fields: ["@timestamp", "@log", "error.type", "error.message", "@message"],
      filterStatements: [TROUBLE],
      sort: "@timestamp desc",
      limit: 200,
    });
    query("ErrorsByType", "errors-by-type", {
      fields: ['coalesce(error.type, "crash") as what'],
      filterStatements: [TROUBLE],
      statsStatements: ["count(*) as errors by what, @log, bin(5m)"],
      sort: "errors desc",
    });
    query("FailedDeliveries", "failed-deliveries", {
      fields: [
        ...["@timestamp", "component", "component_version", "outcome", "attempt", "customer_id", "project_id"],
        ...["error.type", "error.message", "cloudevents.event_id", "request_id"],
      ],
      filterStatements: [FAILED],
      sort: "@timestamp desc",
      limit: 200,
    });
    query("FailuresByVersion", "failures-by-version", {
      filterStatements: [FAILED],
      statsStatements: ["count(*) as failures by component, component_version, error.type, bin(5m)"],
      sort: "failures desc",
    });
    query("SlowDeliveries", "slow-deliveries", {
      fields: ["@timestamp", "component", "component_version", "duration_ms", "customer_id", "cloudevents.event_id"],
      filterStatements: ["ispresent(outcome) and ispresent(duration_ms)"],
      sort: "duration_ms desc",
      limit: 100,
    });
  }
}
