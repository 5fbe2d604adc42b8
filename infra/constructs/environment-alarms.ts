import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import {
  type AlarmDefinition,
  type AlarmThresholds,
  alarmDefinitions,
  usualThresholds,
  type Watched,
} from "./alarm-definitions.ts";

export type EnvironmentAlarmsProps = Omit<Watched, "thresholds"> & {
  /** From when on they ring; what isn't said is usual. */
  thresholds?: Partial<AlarmThresholds>;
  /** Told of every alarm that rings or ends. Default: nobody, the alarms are only shown. */
  alarmTopic?: ITopic;
};

/** Alarms on what nobody else would notice. Each says what it means, and the command that looks further. */
export class EnvironmentAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, { thresholds, alarmTopic, ...watched }: EnvironmentAlarmsProps) {
    super(scope, id);
    const { environment, application } = watched.names;
    const turnout = `${application === "turnout" ? "" : `TURNOUT_APPLICATION=${application} `}npx turnout --env ${environment}`;
    this.alarms = alarmDefinitions({ ...watched, thresholds: { ...usualThresholds, ...thresholds } }).map((one) => {
      const alarm = this.alarm(watched.names.of(one.name), `${one.says} See: ${turnout} ${one.see}`, one);
      if (alarmTopic === undefined) return alarm;
      const action = new SnsAction(alarmTopic);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
  }

  private alarm(alarmName: string, alarmDescription: string, definition: AlarmDefinition): Alarm {
    const { name, metric, from, isBelow = false, reached = { times: 1, of: 1 } } = definition;
    return new Alarm(this, name, {
      alarmName,
      alarmDescription,
      metric,
      threshold: from,
      comparisonOperator: isBelow
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      datapointsToAlarm: reached.times,
      evaluationPeriods: reached.of,
      treatMissingData: isBelow ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
  }
}
