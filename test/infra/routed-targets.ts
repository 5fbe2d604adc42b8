import type { Stack } from "aws-cdk-lib";
import { type IVpc, SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import { Cluster, ContainerImage, FargateTaskDefinition, type ICluster } from "aws-cdk-lib/aws-ecs";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { CfnStateMachineVersion, DefinitionBody, Pass, StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { queueTarget, stateMachineTarget, taskTarget } from "../../infra/constructs/component-targets.ts";

export const aQueue = (stack: Stack) => ({ stable: queueTarget(new Queue(stack, "Orders", { fifo: true })) });

export function aStateMachine(stack: Stack) {
  const definitionBody = DefinitionBody.fromChainable(new Pass(stack, "Done"));
  const stateMachine = new StateMachine(stack, "Fulfil", { definitionBody });
  const version = (id: string) =>
    new CfnStateMachineVersion(stack, id, { stateMachineArn: stateMachine.stateMachineArn });
  return {
    stable: stateMachineTarget({ stateMachine, of: version("One") }),
    beta: stateMachineTarget({ stateMachine, of: version("Two") }),
  };
}

export function aTask(stack: Stack) {
  const vpc = new Vpc(stack, "Vpc", { maxAzs: 2, natGateways: 0 }) as IVpc;
  const cluster = new Cluster(stack, "Builds", { vpc }) as ICluster;
  const taskDefinition = new FargateTaskDefinition(stack, "Builder", { family: "builder" });
  taskDefinition.addContainer("build", { image: ContainerImage.fromRegistry("builder") });
  const subnets = vpc.selectSubnets({ subnetType: SubnetType.PUBLIC }).subnets;
  return { stable: taskTarget({ cluster, taskDefinition, launchType: "FARGATE", subnets, publicIp: true }) };
}
