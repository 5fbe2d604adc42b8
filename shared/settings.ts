import { resolve } from "node:path";
import * as z from "zod/mini";
import { readShardSchedule, type ShardSchedule } from "./domain/deliveries/shard-schedule.ts";
import { TurnoutError } from "./domain/errors.ts";
import { read } from "./domain/text/schema.ts";

/** Where embedded mode keeps its state and listens. */
export const EmbeddedSettings = z.object({
  /** `TURNOUT_HOME`: the state folder. Default `.turnout` in the current folder. */
  TURNOUT_HOME: z._default(z.string().check(z.minLength(1)), ".turnout"),
  /** `TURNOUT_PORT`: the front door's port on 127.0.0.1; 0 takes any free one. Default 4600. */
  TURNOUT_PORT: z._default(
    z.coerce
      .number<unknown>()
      .check(
        z.refine((port) => Number.isInteger(port) && port >= 0 && port <= 65_535, "expected a port from 0 to 65535"),
      ),
    4600,
  ),
  /** `TURNOUT_LOG_MB`: the most that is kept of what one version prints, in MiB. Default 20. */
  TURNOUT_LOG_MB: z._default(z.coerce.number<unknown>().check(z.minimum(0.01), z.maximum(10_000)), 20),
  /** `TURNOUT_LOG_DAYS`: for how long what versions print is kept, at most. Default 14. */
  TURNOUT_LOG_DAYS: z._default(z.coerce.number<unknown>().check(z.minimum(0.01), z.maximum(3_650)), 14),
  /** `TURNOUT_WIDE`: `json` prints a line of JSON per delivery on stdout. Default: lines for people. */
  TURNOUT_WIDE: z.optional(z.literal("json")),
});

export type EmbeddedSettings = {
  home: string;
  port: number;
  /** The most that is kept of what one version prints, and for how long. */
  logs: { bytes: number; keptMs: number };
  wide: boolean;
};

/** @throws TurnoutError `usage` that names the variable */
export function embeddedSettings(environment: Record<string, string | undefined>): EmbeddedSettings {
  const settings = read(EmbeddedSettings, environment);
  if (!settings.ok) throw new TurnoutError("usage", `Bad environment: ${settings.problem}.`);
  const { value } = settings;
  return {
    home: resolve(value.TURNOUT_HOME),
    port: value.TURNOUT_PORT,
    logs: { bytes: value.TURNOUT_LOG_MB * 1_048_576, keptMs: value.TURNOUT_LOG_DAYS * 86_400_000 },
    wide: value.TURNOUT_WIDE !== undefined,
  };
}

const TableName = z
  .string()
  .check(z.regex(/^[\w.-]{3,255}$/, "expected a DynamoDB table's name: 3 to 255 letters, digits, '_', '-' and '.'"));

/**
 * What Turnout needs to know on AWS. Credentials and endpoints are the SDK's own affair: its provider chain, and for
 * tests `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_LAMBDA` and `AWS_ENDPOINT_URL_S3`.
 */
export const AwsSettings = z.object({
  /** `TURNOUT_ROUTING_TABLE`: the name of the routing table's DynamoDB table. */
  TURNOUT_ROUTING_TABLE: TableName,
  /** `TURNOUT_EVENT_TABLE`: the name of the event store's DynamoDB table. */
  TURNOUT_EVENT_TABLE: TableName,
  /** `TURNOUT_BODY_BUCKET`: the S3 bucket for events of more than 300 KB, compressed. Turnout alone may write there. */
  TURNOUT_BODY_BUCKET: z
    .string()
    .check(z.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "expected an S3 bucket's name, such as acme-turnout-bodies")),
  /**
   * `TURNOUT_RECORD_SHARDS`: partitions that the records of a minute are spread over, e.g. `1,8@2026-11-21T10:00:00Z`
   * for 1, and 8 from then on. The most records a second, divided by 500. The time must lie ahead when it is set, and
   * a number has to stay for as long as records are kept that were stored under it. Default 1.
   */
  TURNOUT_RECORD_SHARDS: z._default(z.string(), "1"),
  /**
   * `TURNOUT_DUE_SHARDS`: partitions for deliveries that wait for a later attempt or outcome, written in the same way.
   * Default 4: 2,000 of them a second.
   */
  TURNOUT_DUE_SHARDS: z._default(z.string(), "4"),
  /** `TURNOUT_LIVE_QUEUE_URL`: the queue that the bus sends events to; for whatever takes from it or sends to it. */
  TURNOUT_LIVE_QUEUE_URL: z.optional(z.url()),
  /** `TURNOUT_DEAD_LETTER_QUEUE_URL`: what the live queue has given up. */
  TURNOUT_DEAD_LETTER_QUEUE_URL: z.optional(z.url()),
  /** `TURNOUT_RULE_DEAD_LETTER_QUEUE_URL`: events that the bus couldn't put into the live queue. */
  TURNOUT_RULE_DEAD_LETTER_QUEUE_URL: z.optional(z.url()),
  /** `TURNOUT_OUTCOME_QUEUE_URL`: where asynchronous versions' destinations say what became of events. */
  TURNOUT_OUTCOME_QUEUE_URL: z.optional(z.url()),
  /** `TURNOUT_REPLAYER`: the replayer's function name; whoever starts a replay calls it, and else it is called every minute. */
  TURNOUT_REPLAYER: z.optional(z.string().check(z.minLength(1))),
  /**
   * `TURNOUT_COMMITTER`: the name of the function that commits changes of the routing for people, who may not write the
   * table. Default: the table is written by whoever makes the change.
   */
  TURNOUT_COMMITTER: z.optional(z.string().check(z.minLength(1))),
  /** `TURNOUT_EVENT_BUS`: the bus that events are published to. */
  TURNOUT_EVENT_BUS: z.optional(z.string().check(z.minLength(1))),
  /** `TURNOUT_ROUTER_TIMEOUT_MS`: how long a router may live. A replay looks again once those from before its start are over. */
  TURNOUT_ROUTER_TIMEOUT_MS: z._default(z.coerce.number<unknown>().check(z.int(), z.minimum(1_000)), 900_000),
  /** `TURNOUT_CONCURRENCY`: how many of the account's concurrent executions were set aside for routing, for `doctor`. */
  TURNOUT_CONCURRENCY: z.optional(z.coerce.number<unknown>().check(z.int(), z.minimum(1))),
  /** `TURNOUT_METRICS`: the CloudWatch namespace of what the functions measure. Default: nothing is measured. */
  TURNOUT_METRICS: z.optional(z.string().check(z.regex(/^[\w.\-/#:]{1,255}$/, "expected a CloudWatch namespace"))),
  /** `AWS_REGION`: where the tables, the bucket and the functions are. Lambda sets it. */
  AWS_REGION: z.string().check(z.minLength(1)),
});

/** Names of groups, separated by commas. */
const Groups = z._default(z.string(), "");

/** What the console needs to know where a load balancer signs people in. */
export const HostedSettings = z.object({
  /** `TURNOUT_ENV`: the environment whose console it is. */
  TURNOUT_ENV: z.string().check(z.minLength(1)),
  /** `TURNOUT_APPLICATION`: the first part of the environment's names. */
  TURNOUT_APPLICATION: z._default(z.string().check(z.minLength(1)), "turnout"),
  /** `TURNOUT_CONSOLE_HOST`: the name that the console goes by in an address. */
  TURNOUT_CONSOLE_HOST: z.string().check(z.minLength(1)),
  /** `TURNOUT_CONSOLE_SIGNER`: the ARN of the load balancer, which signs what it says of people. */
  TURNOUT_CONSOLE_SIGNER: z.string().check(z.startsWith("arn:")),
  /** `TURNOUT_CONSOLE_CLIENT`: the id that the load balancer has as a client of the identity provider. */
  TURNOUT_CONSOLE_CLIENT: z.string().check(z.minLength(1)),
  /** `TURNOUT_CONSOLE_ISSUER`: the identity provider, as it names itself. */
  TURNOUT_CONSOLE_ISSUER: z.url(),
  /** `TURNOUT_CONSOLE_KEYS`: where the load balancer's public keys are. Default: the region's own address. */
  TURNOUT_CONSOLE_KEYS: z.optional(z.url()),
  /** `TURNOUT_CONSOLE_CLAIM`: the claim that has a person's groups. */
  TURNOUT_CONSOLE_CLAIM: z._default(z.string().check(z.minLength(1)), "groups"),
  /** `TURNOUT_CONSOLE_VIEWERS`, `TURNOUT_CONSOLE_OPERATORS`, `TURNOUT_CONSOLE_ON_CALL`: the groups that have each role. */
  TURNOUT_CONSOLE_VIEWERS: Groups,
  TURNOUT_CONSOLE_OPERATORS: Groups,
  TURNOUT_CONSOLE_ON_CALL: Groups,
});

export type HostedSettings = {
  name: { environment: string; application: string };
  host: string;
  signer: string;
  client: string;
  issuer: string;
  keys?: string;
  claim: string;
  groups: Record<"viewer" | "operator" | "on-call", readonly string[]>;
};

/** @throws TurnoutError `usage` that names the variable */
export function hostedSettings(environment: Record<string, string | undefined>): HostedSettings {
  const settings = read(HostedSettings, environment);
  if (!settings.ok) throw new TurnoutError("usage", `Bad environment: ${settings.problem}.`);
  const { value } = settings;
  const named = (list: string) => list.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
  return {
    name: { environment: value.TURNOUT_ENV, application: value.TURNOUT_APPLICATION },
    host: value.TURNOUT_CONSOLE_HOST.toLowerCase(),
    signer: value.TURNOUT_CONSOLE_SIGNER,
    client: value.TURNOUT_CONSOLE_CLIENT,
    issuer: value.TURNOUT_CONSOLE_ISSUER,
    ...(value.TURNOUT_CONSOLE_KEYS && { keys: value.TURNOUT_CONSOLE_KEYS }),
    claim: value.TURNOUT_CONSOLE_CLAIM,
    groups: {
      viewer: named(value.TURNOUT_CONSOLE_VIEWERS),
      operator: named(value.TURNOUT_CONSOLE_OPERATORS),
      "on-call": named(value.TURNOUT_CONSOLE_ON_CALL),
    },
  };
}

export type AwsSettings = {
  routingTable: string;
  eventTable: string;
  bodyBucket: string;
  recordShards: ShardSchedule;
  dueShards: ShardSchedule;
  liveQueueUrl?: string;
  deadLetterQueueUrl?: string;
  ruleDeadLetterQueueUrl?: string;
  outcomeQueueUrl?: string;
  replayer?: string;
  committer?: string;
  concurrency?: number;
  eventBus?: string;
  metrics?: string;
  routerTimeoutMs: number;
  region: string;
};

/** @throws TurnoutError `usage` that names the variable */
export function awsSettings(environment: Record<string, string | undefined>): AwsSettings {
  const settings = read(AwsSettings, environment);
  if (!settings.ok) throw new TurnoutError("usage", `Bad environment: ${settings.problem}.`);
  const { value } = settings;
  return {
    routingTable: value.TURNOUT_ROUTING_TABLE,
    eventTable: value.TURNOUT_EVENT_TABLE,
    bodyBucket: value.TURNOUT_BODY_BUCKET,
    recordShards: shardSchedule("TURNOUT_RECORD_SHARDS", value.TURNOUT_RECORD_SHARDS),
    dueShards: shardSchedule("TURNOUT_DUE_SHARDS", value.TURNOUT_DUE_SHARDS),
    ...(value.TURNOUT_LIVE_QUEUE_URL && { liveQueueUrl: value.TURNOUT_LIVE_QUEUE_URL }),
    ...(value.TURNOUT_DEAD_LETTER_QUEUE_URL && { deadLetterQueueUrl: value.TURNOUT_DEAD_LETTER_QUEUE_URL }),
    ...(value.TURNOUT_RULE_DEAD_LETTER_QUEUE_URL && {
      ruleDeadLetterQueueUrl: value.TURNOUT_RULE_DEAD_LETTER_QUEUE_URL,
    }),
    ...(value.TURNOUT_CONCURRENCY && { concurrency: value.TURNOUT_CONCURRENCY }),
    ...(value.TURNOUT_OUTCOME_QUEUE_URL && { outcomeQueueUrl: value.TURNOUT_OUTCOME_QUEUE_URL }),
    ...(value.TURNOUT_REPLAYER && { replayer: value.TURNOUT_REPLAYER }),
    ...(value.TURNOUT_COMMITTER && { committer: value.TURNOUT_COMMITTER }),
    ...(value.TURNOUT_EVENT_BUS && { eventBus: value.TURNOUT_EVENT_BUS }),
    ...(value.TURNOUT_METRICS && { metrics: value.TURNOUT_METRICS }),
    routerTimeoutMs: value.TURNOUT_ROUTER_TIMEOUT_MS,
    region: value.AWS_REGION,
  };
}

/** A setting that not every function has. @throws TurnoutError `usage` that names the variable */
export function required<T>(value: T | undefined, variable: string): T {
  if (value === undefined) throw new TurnoutError("usage", `Bad environment: ${variable} is not set.`);
  return value;
}

function shardSchedule(variable: string, text: string): ShardSchedule {
  const schedule = readShardSchedule(text);
  if (!schedule.ok) throw new TurnoutError("usage", `Bad environment: ${variable}: ${schedule.problem}.`);
  return schedule.value;
}
