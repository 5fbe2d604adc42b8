import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import { type EventRouting, ROUTER_TIMEOUT } from "./event-routing.ts";
import type { EventStorage } from "./event-storage.ts";
import { INDEXED_FIELDS } from "./saved-queries.ts";
import type { SettingsEnvironment } from "./settings-environment.ts";
import { BODIES, changeReplays, readEvents, readReplays, readRouting, repeatDeliveries } from "./store-actions.ts";
import { type FunctionDefaults, TurnoutFunction } from "./turnout-function.ts";

export type EventReplayProps = FunctionDefaults & {
  storage: EventStorage;
  routing: EventRouting;
  /**
   * Replayers at once, 2 and more, taken from the account's concurrency, which must leave 100: with one, a replay that is
   * started waits for those that run. Default: the account's.
   */
  replayers?: number;
};

/** Drives replays, every minute and when one is started. */
export class EventReplay extends Construct {
  readonly replayer: TurnoutFunction;
  /** The settings of whoever starts replays. */
  readonly environment: SettingsEnvironment;

  constructor(scope: Construct, id: string, { replayers, ...props }: EventReplayProps) {
    super(scope, id);
    const { storage, routing } = props;
    this.replayer = new TurnoutFunction(this, "Replayer", {
      ...props,
      entry: "replayer",
      description: "Delivers windows of stored events again.",
      timeout: Duration.minutes(15),
      memoryMb: 1_024,
      indexedFields: INDEXED_FIELDS,
      environment: {
        ...storage.environment,
        TURNOUT_ROUTER_TIMEOUT_MS: String(ROUTER_TIMEOUT.toMilliseconds()),
        TURNOUT_EVENT_BUS: routing.eventBus.eventBusName,
      },
      ...(replayers === undefined ? {} : { concurrency: replayers }),
    });
    this.replayer.may(readRouting, storage.routingTable.tableArn);
    const actions = new Set([...readEvents, ...repeatDeliveries, ...readReplays, ...changeReplays]);
    this.replayer.may([...actions], storage.eventTable.tableArn);
    this.replayer.may(["s3:GetObject"], storage.bodies.arnForObjects(BODIES));
    this.replayer.may(["events:PutEvents"], routing.eventBus.eventBusArn);
    this.replayer.sendsToVersions();
    this.replayer.looksAtVersions(["lambda:ListAliases"]);
    this.replayer.calledEveryMinute();
    this.environment = { TURNOUT_REPLAYER: this.replayer.functionName };
  }
}
