import { Duration, type Environment } from "aws-cdk-lib";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { AlarmThresholds } from "./constructs/alarm-definitions.ts";
import type { Capacity } from "./constructs/event-storage.ts";
import type { ConsoleHosting } from "./constructs/hosted-console.ts";

/** What differs between environments. An environment that isn't named here is like `dev`. */
export type EnvironmentSettings = {
  /** Account and region. Default: those of the credentials that deploy it. */
  env?: Environment;
  /** Tables, bodies and logs survive a deletion of the stacks, and the tables and stacks refuse it. */
  isProtected: boolean;
  /** Most requests a second that the tables serve, and so the most that a loop can cost. */
  capacity: Capacity;
  logRetention: RetentionDays;
  /**
   * Concurrent executions that routing may take of the account's (1,000 unless AWS has set another quota): routers, and
   * what they call, for events that go to one component each. `turnout doctor` compares it with what the account has.
   */
  concurrency: number;
  /** Replayers at once, 2 and more, taken from the account's concurrency. Default: the account's. */
  replayers?: number;
  /** From when on alarms ring; what isn't said is usual. */
  alarms: Partial<AlarmThresholds>;
  /** A bus that events are published to already, by its name. Default: one of the environment's own. */
  eventBusName?: string;
  /** The ARN of an SNS topic that is told of alarms. Default: they are only shown. */
  alarmTopicArn?: string;
  /** The console behind a load balancer, for whoever an identity provider knows. Default: nothing is hosted. */
  console?: ConsoleHosting;
};

const dev: EnvironmentSettings = {
  isProtected: false,
  capacity: { readUnits: 2_000, writeUnits: 2_000 },
  logRetention: RetentionDays.ONE_MONTH,
  concurrency: 120,
  alarms: { oldestMessage: Duration.minutes(15), unresolved: 10, fallbacks: 10 },
};

const environments = new Map<string, EnvironmentSettings>([
  ["dev", dev],
  [
    "prod",
    {
      isProtected: true,
      capacity: { readUnits: 12_000, writeUnits: 12_000 },
      logRetention: RetentionDays.SIX_MONTHS,
      concurrency: 800,
      alarms: {},
    },
  ],
]);

export function environmentSettings(environment: string): EnvironmentSettings {
  return environments.get(environment) ?? dev;
}
