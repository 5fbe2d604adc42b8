import { type CfnResource, Fn, RemovalPolicy, Stack } from "aws-cdk-lib";
import type { ISecurityGroup, ISubnet } from "aws-cdk-lib/aws-ec2";
import type { CfnTaskDefinition, ICluster, TaskDefinition } from "aws-cdk-lib/aws-ecs";
import type { EventPattern } from "aws-cdk-lib/aws-events";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { CfnStateMachineAlias, CfnStateMachineVersion, IStateMachine } from "aws-cdk-lib/aws-stepfunctions";

/** What stands behind an alias, and what Turnout needs to reach it. */
export type ComponentTarget = {
  /** As the component's row has it. */
  address: { kind: string } & Record<string, unknown>;
  /** What those who send to it may do, and no more. */
  sending: readonly PolicyStatement[];
  /** What EventBridge tells when it has ended; undefined where that is known at once. */
  ends?: { what: "tasks" | "executions"; pattern: EventPattern };
  /** Lets the event be read where it is kept when it is too large. */
  letRead?: (eventsArn: string) => void;
};

const may = (actions: string[], resources: string[], conditions?: Record<string, unknown>) =>
  new PolicyStatement({ actions, resources, ...(conditions === undefined ? {} : { conditions }) });

/** A queue, standard or FIFO. One with a key of the customer's needs that key's policy to name the router as well. */
export function queueTarget(queue: IQueue): ComponentTarget {
  return {
    address: { kind: "sqs", queueArn: queue.queueArn },
    sending: [may(["sqs:SendMessage"], [queue.queueArn])],
  };
}

export type StateMachineTargetProps = {
  /** A standard one: of express executions nobody tells how they have ended, and two of one name may run. */
  stateMachine: IStateMachine;
  /** What the alias stands for. A version stays when the next one comes, and when the stack goes. */
  of: CfnStateMachineVersion | CfnStateMachineAlias;
};

export function stateMachineTarget({
  stateMachine: { stateMachineArn },
  of,
}: StateMachineTargetProps): ComponentTarget {
  if (of.cfnResourceType === "AWS::StepFunctions::StateMachineVersion") of.applyRemovalPolicy(RemovalPolicy.RETAIN);
  // IAM asks for the state machine, and takes the version or alias as a condition.
  const qualifier = Fn.select(7, Fn.split(":", of.attrArn));
  const onlyIt = { StringEquals: { "states:StateMachineQualifier": qualifier } };
  return {
    address: { kind: "step-functions", stateMachineArn: of.attrArn },
    sending: [may(["states:StartExecution"], [stateMachineArn], onlyIt)],
    ends: {
      what: "executions",
      pattern: {
        source: ["aws.states"],
        detailType: ["Step Functions Execution Status Change"],
        detail: { status: ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"], stateMachineArn: [stateMachineArn] },
      },
    },
  };
}

export type TaskTargetProps = {
  cluster: ICluster;
  /** Its revisions stay when the next one comes, and when the stack goes: an alias may stand for one. */
  taskDefinition: TaskDefinition;
  /** The container that is given the event, and whose exit code says what became of it. Default: the default container. */
  container?: string;
  /** Default: the cluster's own strategy of capacity providers. */
  launchType?: "FARGATE" | "EC2";
  /** Where tasks are, with network mode `awsvpc`. */
  subnets?: readonly ISubnet[];
  securityGroups?: readonly ISecurityGroup[];
  publicIp?: boolean;
};

export function taskTarget(props: TaskTargetProps): ComponentTarget {
  const { cluster, taskDefinition, launchType, subnets = [], securityGroups = [], publicIp } = props;
  const container = props.container ?? taskDefinition.defaultContainer?.containerName;
  if (container === undefined) throw new Error(`${taskDefinition.node.path} has no container to give the event to.`);
  const definition = taskDefinition.node.defaultChild as CfnTaskDefinition & CfnResource;
  definition.applyRemovalPolicy(RemovalPolicy.RETAIN);
  const { partition, region, account } = Stack.of(taskDefinition);
  const { taskDefinitionArn, family, taskRole, executionRole } = taskDefinition;
  const roles = [taskRole.roleArn, ...(executionRole === undefined ? [] : [executionRole.roleArn])];
  return {
    address: {
      kind: "ecs",
      clusterArn: cluster.clusterArn,
      taskDefinition: Fn.select(1, Fn.split("/", taskDefinitionArn)),
      container,
      ...(launchType === undefined ? {} : { launchType }),
      ...(subnets.length === 0
        ? {}
        : {
            network: {
              subnets: subnets.map(({ subnetId }) => subnetId),
              ...(securityGroups.length === 0
                ? {}
                : { securityGroups: securityGroups.map(({ securityGroupId }) => securityGroupId) }),
              ...(publicIp === undefined ? {} : { publicIp }),
            },
          }),
    },
    sending: [
      // Of every revision: an alias may stand for one before the newest.
      may(["ecs:RunTask"], [`arn:${partition}:ecs:${region}:${account}:task-definition/${family}:*`], {
        ArnEquals: { "ecs:cluster": cluster.clusterArn },
      }),
      may(["iam:PassRole"], roles, { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } }),
    ],
    ends: {
      what: "tasks",
      pattern: {
        source: ["aws.ecs"],
        detailType: ["ECS Task State Change"],
        detail: {
          lastStatus: ["STOPPED"],
          clusterArn: [cluster.clusterArn],
          group: [`family:${family}`],
          startedBy: [{ prefix: "turnout/" }],
        },
      },
    },
    letRead: (eventsArn) => void taskRole.addToPrincipalPolicy(may(["s3:GetObject"], [eventsArn])),
  };
}

export type UrlTargetProps = {
  url: string;
  /** Default `published`. */
  format?: "published" | "binary" | "structured";
  /** Requests are signed with each of these. */
  secrets?: readonly ISecret[];
  /** Also addresses of private networks, and without TLS. */
  private?: boolean;
};

export function urlTarget({ secrets = [], ...props }: UrlTargetProps): ComponentTarget {
  const keys = secrets.flatMap(({ encryptionKey }) => (encryptionKey === undefined ? [] : [encryptionKey.keyArn]));
  const arns = secrets.map(({ secretArn }) => secretArn);
  return {
    address: { kind: "http", ...props, ...(arns.length === 0 ? {} : { secrets: arns }) },
    sending: [
      ...(arns.length === 0 ? [] : [may(["secretsmanager:GetSecretValue"], arns)]),
      ...(keys.length === 0 ? [] : [may(["kms:Decrypt"], keys)]),
    ],
  };
}
