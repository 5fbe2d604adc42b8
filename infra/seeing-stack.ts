import { Stack, type StackProps } from "aws-cdk-lib";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { EventSeeing, type EventSeeingProps } from "./constructs/event-seeing.ts";

export type SeeingStackProps = StackProps & { seeing: EventSeeingProps; alarmTopicArn?: string };

/** Alarms, the dashboard and the saved queries. */
export class SeeingStack extends Stack {
  readonly seeing: EventSeeing;

  constructor(scope: Construct, id: string, { seeing, alarmTopicArn, ...props }: SeeingStackProps) {
    super(scope, id, props);
    const topic =
      alarmTopicArn === undefined ? {} : { alarmTopic: Topic.fromTopicArn(this, "AlarmTopic", alarmTopicArn) };
    this.seeing = new EventSeeing(this, "Seeing", { ...seeing, ...topic });
  }
}
