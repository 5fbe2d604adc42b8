import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { EventSweeping, type EventSweepingProps } from "./constructs/event-sweeping.ts";

/** What finishes whatever is left. */
export class SweepingStack extends Stack {
  readonly sweeping: EventSweeping;

  constructor(scope: Construct, id: string, { sweeping, ...props }: StackProps & { sweeping: EventSweepingProps }) {
    super(scope, id, props);
    this.sweeping = new EventSweeping(this, "Sweeping", sweeping);
  }
}
