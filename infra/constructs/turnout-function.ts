import { Duration, Stack } from "aws-cdk-lib";
import { Rule, RuleTargetInput, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, EventSourceMapping, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { FieldIndexPolicy, LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { EnvironmentNames } from "./environment-names.ts";
import { codeOf } from "./function-code.ts";
import { removalPolicyOf } from "./removal.ts";
import type { HostedEnvironment, SettingsEnvironment } from "./settings-environment.ts";
import { changeRouting, LOG_PARTITIONS, readRouting, rewriteLog } from "./store-actions.ts";

/** What is the same for all functions of an environment. */
export type FunctionDefaults = {
  names: EnvironmentNames;
  logRetention: RetentionDays;
  /** Keeps the logs when the function is deleted. Default true. */
  isProtected?: boolean;
};

export type TurnoutFunctionProps = FunctionDefaults & {
  /** A file of `functions/on-aws` without its extension; also the function's role in its name. */
  entry: string;
  description: string;
  timeout: Duration;
  memoryMb: number;
  environment: SettingsEnvironment & HostedEnvironment;
  /** Fields of its log that queries go to directly. Default: none. */
  indexedFields?: readonly string[];
  /** Most invocations at once, taken from the account's. Default: the account's. */
  concurrency?: number;
};

export type QueueSource = {
  queue: IQueue;
  batchSize: number;
  batchingWindow?: Duration;
  /** Invocations at once, 2 to 1,000. Default: as many as Lambda sees fit. */
  maxConcurrency?: number;
};

/** The functions of an environment's components, which are called by its name: `<environment>-<application>-<role>`. */
export function componentArns(scope: Construct, { environment }: EnvironmentNames): string {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:lambda:${region}:${account}:function:${environment}-*`;
}

/** One of Turnout's functions, which may write its log and nothing else until it is told what it `may`. */
export class TurnoutFunction extends LambdaFunction {
  declare readonly role: Role;
  /** What it is in its environment, e.g. `router`. */
  readonly part: string;
  private readonly names: EnvironmentNames;

  constructor(scope: Construct, id: string, props: TurnoutFunctionProps) {
    const { names, entry, isProtected = true, indexedFields = [], concurrency } = props;
    const role = new Role(scope, `${id}Role`, {
      roleName: names.iamNameOf(entry),
      description: `Runs ${names.of(entry)}.`,
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    const logGroup = new LogGroup(scope, `${id}Log`, {
      logGroupName: `/aws/lambda/${names.of(entry)}`,
      retention: props.logRetention,
      removalPolicy: removalPolicyOf(isProtected),
      ...(indexedFields.length === 0
        ? {}
        : { fieldIndexPolicies: [new FieldIndexPolicy({ fields: [...indexedFields] })] }),
    });
    super(scope, id, {
      functionName: names.of(entry),
      description: props.description,
      code: codeOf(entry),
      handler: `${entry}.handler`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: props.timeout,
      memorySize: props.memoryMb,
      environment: { TURNOUT_METRICS: names.metrics, ...props.environment } satisfies SettingsEnvironment &
        HostedEnvironment,
      ...(concurrency === undefined ? {} : { reservedConcurrentExecutions: concurrency }),
      role,
      logGroup,
    });
    this.part = entry;
    this.names = names;
    this.may(["logs:CreateLogStream", "logs:PutLogEvents"], logGroup.logGroupArn);
  }

  may(actions: readonly string[], ...resources: string[]): void {
    this.role.addToPolicy(new PolicyStatement({ actions: [...actions], resources }));
  }

  /** What it may do in some partitions of a table only. */
  mayIn(partitions: readonly string[], actions: readonly string[], tableArn: string): void {
    const conditions = { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [...partitions] } };
    this.role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: [tableArn], conditions }));
  }

  /** Commits changes of the routing, and leaves the change log as it stands. */
  changesRouting(routingTableArn: string): void {
    this.may([...readRouting, ...changeRouting], routingTableArn);
    const rewriting = { effect: Effect.DENY, actions: [...rewriteLog], resources: [routingTableArn] };
    const conditions = { "ForAnyValue:StringLike": { "dynamodb:LeadingKeys": LOG_PARTITIONS } };
    this.role.addToPolicy(new PolicyStatement({ ...rewriting, conditions }));
  }

  /** Sends to versions, whose functions' own stacks allow it; never to what is uploaded and not published yet. */
  sendsToVersions(): void {
    const { partition, region, account } = Stack.of(this);
    const resources = [`arn:${partition}:lambda:${region}:${account}:function:*:$LATEST`];
    this.role.addToPolicy(new PolicyStatement({ effect: Effect.DENY, actions: ["lambda:InvokeFunction"], resources }));
  }

  /**
   * Looks at where aliases point. By the environment's name, and not component by component: a role takes few policies,
   * and those that change something come first.
   */
  looksAtVersions(actions: readonly string[]): void {
    this.may(actions, componentArns(this, this.names));
  }

  /** A call that fails is not made again: the next minute's does the same work. */
  calledEveryMinute(): void {
    this.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new Rule(this, "EveryMinute", {
      ruleName: this.names.of(this.part),
      description: `Calls ${this.names.of(this.part)}.`,
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(this, { event: RuleTargetInput.fromObject({}), retryAttempts: 0 })],
    });
  }

  /** Takes batches from a queue, and gives back one by one what has to come back. */
  takesFrom({ queue, batchSize, batchingWindow, maxConcurrency }: QueueSource): void {
    // The last one is the handler's: a message that comes back has its own backoff.
    this.may(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue.queueArn);
    this.may(["sqs:ChangeMessageVisibility"], queue.queueArn);
    const mapping = new EventSourceMapping(this, "Source", {
      target: this,
      eventSourceArn: queue.queueArn,
      batchSize,
      ...(batchingWindow === undefined ? {} : { maxBatchingWindow: batchingWindow }),
      ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
      reportBatchItemFailures: true,
    });
    // Lambda looks whether it may, when the mapping is made.
    mapping.node.addDependency(this.role);
  }
}
