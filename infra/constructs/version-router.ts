import type { Duration } from "aws-cdk-lib";
import { Stack } from "aws-cdk-lib";
import type { IEventBus } from "aws-cdk-lib/aws-events";
import { type IRole, Role } from "aws-cdk-lib/aws-iam";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { AlarmThresholds } from "./alarm-definitions.ts";
import { EnvironmentAccess } from "./environment-access.ts";
import { type EnvironmentNames, environmentNames } from "./environment-names.ts";
import { EventReplay } from "./event-replay.ts";
import { EventRouting } from "./event-routing.ts";
import { EventSeeing } from "./event-seeing.ts";
import { type Capacity, EventStorage } from "./event-storage.ts";
import { EventSweeping } from "./event-sweeping.ts";
import { HealthWatching } from "./health-watching.ts";

/** What a component needs of the environment that it is deployed to. All of it follows from the environment's name. */
export interface IVersionRouter {
  readonly names: EnvironmentNames;
  /** Invoke the components' aliases. */
  readonly senders: readonly IRole[];
  /** Move the components' aliases. */
  readonly movers: readonly IRole[];
  /** Where asynchronous components' destinations tell what became of events. */
  readonly outcomeQueueArn: string;
  /** Where events are kept that are too large for a task's environment. */
  readonly bodyBucketName: string;
  /** The function behind the custom resource that a component is. */
  readonly componentResourceArn: string;
}

export type VersionRouterProps = {
  /** The first part of all names. */
  environment: string;
  /** The second part. Default `turnout`. */
  application?: string;
  /** Where events are published to. Default: a bus of its own. */
  eventBus?: IEventBus;
  /** Keeps tables, bodies and logs, and refuses to delete the tables. Default true. */
  isProtected?: boolean;
  /** Lets the tables be deleted still, so that a first deployment that fails can be made again. Default false. */
  isFirstDeployment?: boolean;
  /** Most that each table serves. Default 4,000 read and 4,000 write units a second. */
  capacity?: Capacity;
  /**
   * Concurrent executions that routing may take of the account's, for events that go to one component each. Default 500;
   * `turnout doctor` compares it with what the account has.
   */
  concurrency?: number;
  /** Replayers at once, 2 and more, taken from the account's concurrency. Default: the account's. */
  replayers?: number;
  /** How long a batch of events is waited for. Default: not at all. */
  batchingWindow?: Duration;
  /** How long logs are kept. Default 3 months. */
  logRetention?: RetentionDays;
  /** From when on alarms ring; what isn't said is usual. */
  alarms?: Partial<AlarmThresholds>;
  /** Told of alarms. Default: nobody. */
  alarmTopic?: ITopic;
};

/** All of Turnout for one environment, in one stack of another app. Turnout's own app has its parts in several. */
export class VersionRouter extends Construct implements IVersionRouter {
  readonly names: EnvironmentNames;
  readonly storage: EventStorage;
  readonly routing: EventRouting;
  readonly replay: EventReplay;
  readonly sweeping: EventSweeping;
  readonly watching: HealthWatching;
  readonly seeing: EventSeeing;
  readonly access: EnvironmentAccess;
  readonly senders: readonly IRole[];
  readonly movers: readonly IRole[];
  readonly outcomeQueueArn: string;
  readonly bodyBucketName: string;
  readonly componentResourceArn: string;

  constructor(scope: Construct, id: string, props: VersionRouterProps) {
    super(scope, id);
    const { isProtected = true, capacity = { readUnits: 4_000, writeUnits: 4_000 }, concurrency = 500 } = props;
    const { logRetention = RetentionDays.THREE_MONTHS, isFirstDeployment = false } = props;
    const names = environmentNames(props.environment, props.application);
    this.names = names;
    this.storage = new EventStorage(this, "Storage", { names, isProtected, isFirstDeployment, capacity });
    const common = { names, isProtected, logRetention, storage: this.storage };
    const { eventBus, batchingWindow, replayers, alarms, alarmTopic } = props;
    this.routing = new EventRouting(this, "Routing", {
      ...common,
      concurrency,
      ...(eventBus === undefined ? {} : { eventBus }),
      ...(batchingWindow === undefined ? {} : { batchingWindow }),
    });
    this.replay = new EventReplay(this, "Replay", {
      ...{ ...common, routing: this.routing },
      ...(replayers === undefined ? {} : { replayers }),
    });
    this.sweeping = new EventSweeping(this, "Sweeping", { ...common, routing: this.routing });
    this.watching = new HealthWatching(this, "Watching", common);
    const parts = { names, storage: this.storage, routing: this.routing, replay: this.replay };
    this.access = new EnvironmentAccess(this, "Access", { ...common, ...parts });
    this.seeing = new EventSeeing(this, "Seeing", {
      ...parts,
      sweeping: this.sweeping,
      watching: this.watching,
      ...(alarms === undefined ? {} : { thresholds: alarms }),
      ...(alarmTopic === undefined ? {} : { alarmTopic }),
    });
    this.senders = [this.routing.router.role, this.replay.replayer.role];
    this.movers = [this.sweeping.moveSweeper.role, this.sweeping.guard.role, this.access.componentResource.role];
    this.outcomeQueueArn = this.routing.outcomeQueue.queueArn;
    this.bodyBucketName = this.storage.bodies.bucketName;
    this.componentResourceArn = this.access.componentResource.functionArn;
  }

  /**
   * An environment that another app has deployed to the stack's account and region. By its names, and not as constructs:
   * a component's stack then needs no other stack's outputs to be deployed.
   * @param application default `turnout`
   */
  static fromEnvironment(scope: Construct, id: string, environment: string, application?: string): IVersionRouter {
    const names = environmentNames(environment, application);
    const { partition, region, account } = Stack.of(scope);
    const named = new Construct(scope, id);
    const role = (part: string) => Role.fromRoleName(named, part, names.iamNameOf(part));
    const arn = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${account}:${resource}`;
    return {
      names,
      senders: [role("router"), role("replayer")],
      movers: [role("move-sweeper"), role("guard"), role("component-resource")],
      outcomeQueueArn: arn("sqs", names.of("outcomes")),
      bodyBucketName: names.bucketOf("bodies"),
      componentResourceArn: arn("lambda", `function:${names.of("component-resource")}`),
    };
  }
}
