import { Duration, Stack } from "aws-cdk-lib";
import { EventBus, type IEventBus, Match, Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { sharesOf } from "./concurrency.ts";
import type { EnvironmentNames } from "./environment-names.ts";
import type { EventStorage } from "./event-storage.ts";
import { removalPolicyOf } from "./removal.ts";
import { INDEXED_FIELDS } from "./saved-queries.ts";
import type { SettingsEnvironment } from "./settings-environment.ts";
import { BODIES, closeDeliveries, makeDeliveries, readEvents, readRouting } from "./store-actions.ts";
import { type FunctionDefaults, TurnoutFunction } from "./turnout-function.ts";

/** Lambda's longest. A component may take 840 s of it. */
export const ROUTER_TIMEOUT = Duration.minutes(15);

/** SQS's longest, for queues and for dead-letter queues: the ledger outlives an event by both. */
const RETENTION = Duration.days(14);

/** SQS's highest. Coming back is how a message waits, so it says nothing about whether it can be delivered. */
const LIVE_RECEIVES = 1_000;

/** An outcome comes back only when it can't be read or the store is away; its delivery has a deadline besides. */
const OUTCOME_RECEIVES = 10;

export type EventRoutingProps = FunctionDefaults & {
  storage: EventStorage;
  /** Where events are published to. Default: a bus of its own. */
  eventBus?: IEventBus;
  /** Messages that a router takes at once, 1 to 25: above 10 the batching window must not be zero. Default 10. */
  batchSize?: number;
  /** How long a batch is waited for. Default: not at all. */
  batchingWindow?: Duration;
  /** Concurrent executions that routing may take of the account's: how many routers there are follows from it. */
  concurrency: number;
};

/**
 * From the bus to the components: the live queue, the router that takes from it, and what looks after events that were
 * given up and after outcomes that come later. The queues are encrypted with SQS's own keys: EventBridge and Lambda's
 * destinations write to them without being named in the policy of a key.
 */
export class EventRouting extends Construct {
  readonly eventBus: IEventBus;
  readonly ruleDeadLetters: Queue;
  readonly liveQueue: Queue;
  readonly deadLetterQueue: Queue;
  readonly outcomeQueue: Queue;
  readonly outcomeDeadLetters: Queue;
  readonly router: TurnoutFunction;
  readonly deadLetters: TurnoutFunction;
  readonly ruleDeadLetterTaker: TurnoutFunction;
  readonly outcomes: TurnoutFunction;
  /** The settings of whoever puts something into the queues or the bus. */
  readonly environment: SettingsEnvironment;

  constructor(scope: Construct, id: string, props: EventRoutingProps) {
    super(scope, id);
    const { names, storage, isProtected = true, batchSize = 10, batchingWindow = Duration.seconds(0) } = props;
    this.eventBus = props.eventBus ?? (new EventBus(this, "Bus", { eventBusName: names.of("events") }) as IEventBus);

    // As AWS advises, so that a message is not handed out again while Lambda still tries to have its batch taken.
    const visibilityTimeout = Duration.seconds(6 * ROUTER_TIMEOUT.toSeconds()).plus(batchingWindow);
    const queue = (part: string, name: string, after?: { queue: Queue; maxReceiveCount: number }) =>
      new Queue(this, part, {
        queueName: names.of(name),
        encryption: QueueEncryption.SQS_MANAGED,
        enforceSSL: true,
        retentionPeriod: RETENTION,
        visibilityTimeout,
        // What waits in a queue is nowhere else.
        removalPolicy: removalPolicyOf(isProtected),
        ...(after === undefined ? {} : { deadLetterQueue: after }),
      });
    this.ruleDeadLetters = queue("RuleDeadLetters", "rule-dead-letters");
    this.deadLetterQueue = queue("DeadLetterQueue", "live-dead-letters");
    this.liveQueue = queue("LiveQueue", "live", { queue: this.deadLetterQueue, maxReceiveCount: LIVE_RECEIVES });
    this.outcomeDeadLetters = queue("OutcomeDeadLetters", "outcome-dead-letters");
    const outcomeRedrive = { queue: this.outcomeDeadLetters, maxReceiveCount: OUTCOME_RECEIVES };
    this.outcomeQueue = queue("OutcomeQueue", "outcomes", outcomeRedrive);
    this.letRulesTell(names);

    new Rule(this, "Everything", {
      ruleName: names.of("everything"),
      description: "Every event of the bus goes to Turnout's live queue.",
      eventBus: this.eventBus,
      eventPattern: { source: Match.prefix("") },
      // EventBridge tries for 24 hours, and then it is over. Without a message group: a rule's target has one for all its
      // events, by the API's own description, and one that were read from the event and isn't in it, or has a character
      // that SQS doesn't take, would have it refused.
      targets: [new SqsQueue(this.liveQueue, { deadLetterQueue: this.ruleDeadLetters })],
    });

    const shares = sharesOf(props.concurrency, batchSize);
    const work = { ...props, timeout: ROUTER_TIMEOUT, memoryMb: 1_024, indexedFields: INDEXED_FIELDS };
    const common = {
      ...storage.environment,
      TURNOUT_ROUTER_TIMEOUT_MS: String(ROUTER_TIMEOUT.toMilliseconds()),
      TURNOUT_EVENT_BUS: this.eventBus.eventBusName,
    };
    this.router = new TurnoutFunction(this, "Router", {
      ...work,
      entry: "router",
      description: "Sends each event to the version that its subject is pinned to.",
      environment: { ...common, TURNOUT_LIVE_QUEUE_URL: this.liveQueue.queueUrl },
    });
    this.deadLetters = new TurnoutFunction(this, "DeadLetters", {
      ...work,
      entry: "dead-letters",
      description: "Closes as dead what the live queue has given up.",
      environment: { ...common, TURNOUT_DEAD_LETTER_QUEUE_URL: this.deadLetterQueue.queueUrl },
    });
    this.ruleDeadLetterTaker = new TurnoutFunction(this, "RuleDeadLetterTaker", {
      ...work,
      entry: "rule-dead-letters",
      description: "Closes as dead what the bus couldn't put into the live queue.",
      environment: { ...common, TURNOUT_RULE_DEAD_LETTER_QUEUE_URL: this.ruleDeadLetters.queueUrl },
    });
    this.outcomes = new TurnoutFunction(this, "Outcomes", {
      ...work,
      entry: "outcomes",
      description: "Notes what became of events that versions took to work on later.",
      environment: { ...common, TURNOUT_OUTCOME_QUEUE_URL: this.outcomeQueue.queueUrl },
    });
    this.router.sendsToVersions();
    this.router.takesFrom({ queue: this.liveQueue, batchSize, batchingWindow, maxConcurrency: shares.routers });
    this.deadLetters.takesFrom({ queue: this.deadLetterQueue, batchSize: 10, maxConcurrency: 2 });
    this.ruleDeadLetterTaker.takesFrom({ queue: this.ruleDeadLetters, batchSize: 10, maxConcurrency: 2 });
    this.outcomes.takesFrom({ queue: this.outcomeQueue, batchSize: 10, maxConcurrency: shares.outcomes });
    for (const one of [this.router, this.deadLetters, this.ruleDeadLetterTaker]) {
      one.may(readRouting, storage.routingTable.tableArn);
      one.may([...readEvents, ...makeDeliveries], storage.eventTable.tableArn);
      one.may(["s3:GetObject", "s3:PutObject"], storage.bodies.arnForObjects(BODIES));
    }
    for (const one of [this.router, this.deadLetters, this.ruleDeadLetterTaker, this.outcomes]) {
      one.may(["events:PutEvents"], this.eventBus.eventBusArn);
    }
    this.outcomes.may(readRouting, storage.routingTable.tableArn);
    this.outcomes.may([...readEvents, ...closeDeliveries], storage.eventTable.tableArn);

    this.environment = {
      TURNOUT_LIVE_QUEUE_URL: this.liveQueue.queueUrl,
      TURNOUT_DEAD_LETTER_QUEUE_URL: this.deadLetterQueue.queueUrl,
      TURNOUT_RULE_DEAD_LETTER_QUEUE_URL: this.ruleDeadLetters.queueUrl,
      TURNOUT_OUTCOME_QUEUE_URL: this.outcomeQueue.queueUrl,
      TURNOUT_CONCURRENCY: String(props.concurrency),
      TURNOUT_EVENT_BUS: this.eventBus.eventBusName,
      TURNOUT_ROUTER_TIMEOUT_MS: String(ROUTER_TIMEOUT.toMilliseconds()),
    };
  }

  /**
   * How executions and tasks end, rules of the components' own stacks tell, which are called after the environment. What
   * they tell has to show that it is of an attempt that was handed over, as all outcomes do.
   */
  private letRulesTell({ environment }: EnvironmentNames): void {
    const { partition, region, account } = Stack.of(this);
    const rules = `arn:${partition}:events:${region}:${account}:rule/${environment}-*`;
    this.outcomeQueue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("events.amazonaws.com")],
        actions: ["sqs:SendMessage"],
        resources: [this.outcomeQueue.queueArn],
        conditions: { ArnLike: { "aws:SourceArn": rules } },
      }),
    );
  }
}
