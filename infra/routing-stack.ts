import { Stack, type StackProps } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import type { Construct } from "constructs";
import { EventRouting, type EventRoutingProps } from "./constructs/event-routing.ts";

export type RoutingStackProps = StackProps & { routing: EventRoutingProps; eventBusName?: string };

/** From the bus to the components. */
export class RoutingStack extends Stack {
  readonly routing: EventRouting;

  constructor(scope: Construct, id: string, { routing, eventBusName, ...props }: RoutingStackProps) {
    super(scope, id, props);
    const bus = eventBusName === undefined ? {} : { eventBus: EventBus.fromEventBusName(this, "Bus", eventBusName) };
    this.routing = new EventRouting(this, "Routing", { ...routing, ...bus });
  }
}
