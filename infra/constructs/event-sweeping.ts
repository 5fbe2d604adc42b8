import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { EventRouting } from "./event-routing.ts";
import type { EventStorage } from "./event-storage.ts";
import {
  BODIES,
  changeReplays,
  changeWatches,
  forgetLaptops,
  LAPTOPS_PARTITION,
  REPLAYS_PARTITION,
  readEvents,
  readReplays,
  sweepDeliveries,
  WATCHES_PARTITION,
} from "./store-actions.ts";
import { type FunctionDefaults, TurnoutFunction } from "./turnout-function.ts";

export type EventSweepingProps = FunctionDefaults & { storage: EventStorage; routing: EventRouting };

/**
 * Finishes what is left: deliveries that are due again, bodies that have expired, moves that a crash left open; and takes
 * back versions that guards find to be worse.
 */
export class EventSweeping extends Construct {
  readonly sweeper: TurnoutFunction;
  readonly moveSweeper: TurnoutFunction;
  readonly guard: TurnoutFunction;

  constructor(scope: Construct, id: string, props: EventSweepingProps) {
    super(scope, id);
    const { storage, routing } = props;
    this.sweeper = new TurnoutFunction(this, "Sweeper", {
      ...props,
      entry: "sweeper",
      description: "Puts deliveries back into the live queue when they are due, and removes expired bodies.",
      // A minute's work and then some: two at once send twice at worst, which the ledger sees through.
      timeout: Duration.minutes(5),
      memoryMb: 512,
      environment: {
        ...storage.environment,
        TURNOUT_LIVE_QUEUE_URL: routing.liveQueue.queueUrl,
        TURNOUT_OUTCOME_QUEUE_URL: routing.outcomeQueue.queueUrl,
      },
    });
    this.sweeper.may(sweepDeliveries, storage.eventTable.tableArn);
    this.sweeper.may(["s3:ListBucket"], storage.bodies.bucketArn);
    this.sweeper.may(["s3:DeleteObject"], storage.bodies.arnForObjects(BODIES));
    this.sweeper.may(["sqs:SendMessage"], routing.liveQueue.queueArn, routing.outcomeQueue.queueArn);
    this.sweeper.mayIn([LAPTOPS_PARTITION], forgetLaptops, storage.eventTable.tableArn);
    this.sweeper.calledEveryMinute();

    this.moveSweeper = new TurnoutFunction(this, "MoveSweeper", {
      ...props,
      entry: "move-sweeper",
      description: "Finishes moves of aliases that a crash has left intended.",
      timeout: Duration.minutes(1),
      memoryMb: 256,
      environment: storage.environment,
    });
    this.moveSweeper.changesRouting(storage.routingTable.tableArn);
    this.moveSweeper.looksAtVersions(["lambda:GetAlias", "lambda:ListAliases", "lambda:ListVersionsByFunction"]);
    this.moveSweeper.calledEveryMinute();
    this.guard = this.guarding(props);
  }

  private guarding(props: EventSweepingProps): TurnoutFunction {
    const { storage, routing } = props;
    const guard = new TurnoutFunction(this, "Guard", {
      ...props,
      entry: "guard",
      description: "Looks at guarded versions, takes back those that are worse, and takes releases further.",
      // A look takes seconds. Two at once store each step on condition that nobody else has.
      timeout: Duration.minutes(5),
      memoryMb: 512,
      environment: { ...storage.environment, TURNOUT_EVENT_BUS: routing.eventBus.eventBusName },
    });
    const { tableArn } = storage.eventTable;
    guard.changesRouting(storage.routingTable.tableArn);
    guard.may([...new Set([...readEvents, ...readReplays])], tableArn);
    // One statement: a role's policies have 10,240 characters, and most are to be for components.
    guard.mayIn([REPLAYS_PARTITION, WATCHES_PARTITION], [...changeReplays, ...changeWatches], tableArn);
    guard.may(["events:PutEvents"], routing.eventBus.eventBusArn);
    guard.may(["s3:GetObject"], storage.bodies.arnForObjects(BODIES));
    guard.looksAtVersions(["lambda:GetAlias", "lambda:ListAliases", "lambda:ListVersionsByFunction"]);
    guard.calledEveryMinute();
    return guard;
  }
}
