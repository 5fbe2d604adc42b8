import { join } from "node:path";
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { type IVpc, SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import {
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateTaskDefinition,
  type ICluster,
  LogDrivers,
} from "aws-cdk-lib/aws-ecs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { type ComponentTarget, taskTarget } from "./component-targets.ts";
import { RoutedComponent } from "./routed-component.ts";
import { VersionRouter } from "./version-router.ts";

const CODE = join(import.meta.dirname, "..", "..", "functions", "samples", "builder");

/** Task definitions by the alias that stands for them first, as `npm start -- --all-samples` has them on one machine. */
const DEFINITIONS = { stable: "builder-1", beta: "builder-2", experimental: "builder-3" };

/**
 * The sample `builder`: tasks on Fargate, started with what is pushed, in three task definitions of one image. Each alias has
 * its own; which project gets which, pins say. A cluster and a network of its own, without a NAT gateway.
 */
class SampleBuilder extends Construct {
  constructor(scope: Construct, id: string, { environment }: { environment: string }) {
    super(scope, id);
    const vpc = new Vpc(this, "Vpc", { maxAzs: 2, natGateways: 0 }) as IVpc;
    const cluster = new Cluster(this, "Builds", { vpc, containerInsightsV2: ContainerInsights.DISABLED }) as ICluster;
    const { subnets } = vpc.selectSubnets({ subnetType: SubnetType.PUBLIC });
    const image = ContainerImage.fromAsset(CODE);
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: `/aws/ecs/${environment}-builder`,
      retention: RetentionDays.TWO_WEEKS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const target = (definition: string): ComponentTarget => {
      const taskDefinition = new FargateTaskDefinition(this, definition, {
        family: `${environment}-${definition}`,
        cpu: 256,
        memoryLimitMiB: 512,
        runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64 },
      });
      const logging = LogDrivers.awsLogs({ streamPrefix: definition, logGroup });
      taskDefinition.addContainer("build", { image, command: [definition], logging });
      return taskTarget({ cluster, taskDefinition, launchType: "FARGATE", subnets, publicIp: true });
    };
    const { stable, beta, experimental } = DEFINITIONS;
    new RoutedComponent(this, "Component", {
      router: VersionRouter.fromEnvironment(this, "Turnout", environment),
      componentName: "builder",
      eventPattern: { source: ["github.com"], "detail-type": ["push"] },
      targets: { experimental: target(experimental) },
      initially: { stable: target(stable), beta: target(beta) },
      asyncWithin: Duration.hours(1),
    });
  }
}

/** A stack of its own, beside the environment's. */
export function sampleBuilderStack(scope: Construct, environment: string): Stack {
  const stack = new Stack(scope, `${environment}-builder`, { description: "Turnout's sample builder: tasks of ECS." });
  new SampleBuilder(stack, "Builder", { environment });
  return stack;
}
