import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { EventReplay, type EventReplayProps } from "./constructs/event-replay.ts";

/** What delivers stored events again. */
export class ReplayStack extends Stack {
  readonly replay: EventReplay;

  constructor(scope: Construct, id: string, { replay, ...props }: StackProps & { replay: EventReplayProps }) {
    super(scope, id, props);
    this.replay = new EventReplay(this, "Replay", replay);
  }
}
