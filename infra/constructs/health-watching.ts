import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { EventStorage } from "./event-storage.ts";
import { readEvents, readRouting } from "./store-actions.ts";
import { type FunctionDefaults, TurnoutFunction } from "./turnout-function.ts";

export type HealthWatchingProps = FunctionDefaults & { storage: EventStorage };

/** Judges versions every minute, as `turnout health` does: alarms can't compare one version with another. */
export class HealthWatching extends Construct {
  readonly watcher: TurnoutFunction;

  constructor(scope: Construct, id: string, props: HealthWatchingProps) {
    super(scope, id);
    const { storage } = props;
    this.watcher = new TurnoutFunction(this, "Watcher", {
      ...props,
      entry: "watcher",
      description: "Measures how the versions of components do, for alarms.",
      timeout: Duration.minutes(1),
      memoryMb: 512,
      environment: storage.environment,
    });
    this.watcher.may(readRouting, storage.routingTable.tableArn);
    this.watcher.may(readEvents, storage.eventTable.tableArn);
    this.watcher.looksAtVersions(["lambda:ListAliases"]);
    this.watcher.calledEveryMinute();
  }
}
