import { Annotations, Duration, SecretValue } from "aws-cdk-lib";
import { type IVpc, Peer, Port, SecurityGroup, Subnet, Vpc } from "aws-cdk-lib/aws-ec2";
import {
  ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  ListenerAction,
  ListenerCertificate,
  SslPolicy,
  TargetType,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { LambdaTarget } from "aws-cdk-lib/aws-elasticloadbalancingv2-targets";
import { Construct } from "constructs";
import type { EnvironmentAccess } from "./environment-access.ts";
import type { HostedEnvironment } from "./settings-environment.ts";
import { type FunctionDefaults, TurnoutFunction } from "./turnout-function.ts";

/** Where the console is hosted, and who signs people in. */
export type ConsoleHosting = {
  /** The name that it goes by, which leads to the load balancer and is on the certificate. */
  host: string;
  certificateArn: string;
  vpcId: string;
  /** Of two availability zones at least, each with its zone. */
  subnets: readonly { subnetId: string; availabilityZone: string }[];
  /** Networks that may open it, as CIDR blocks. */
  from: readonly string[];
  /** Whether it has an address on the internet. Default false. */
  isPublic?: boolean;
  oidc: {
    issuer: string;
    authorizationEndpoint: string;
    tokenEndpoint: string;
    userInfoEndpoint: string;
    clientId: string;
    /** A secret of AWS Secrets Manager that is the client's secret, and nothing besides. */
    clientSecretArn: string;
    /** What the provider is asked for. Default `openid email`. */
    scope?: string;
    /** The claim that has a person's groups. Default `groups`. */
    groupsClaim?: string;
  };
  /** The groups that have each role; who is in none gets no further than a page that says so. */
  groups: { viewer?: readonly string[]; operator?: readonly string[]; onCall?: readonly string[] };
};

export type HostedConsoleProps = FunctionDefaults & { access: EnvironmentAccess; hosting: ConsoleHosting };

/**
 * The console behind a load balancer that signs people in. Its function may what the highest role may that any group has:
 * it tells people's roles apart itself, by what the load balancer has signed.
 */
export class HostedConsole extends Construct {
  readonly console: TurnoutFunction;

  constructor(scope: Construct, id: string, { access, hosting, ...defaults }: HostedConsoleProps) {
    super(scope, id);
    const { oidc, groups } = hosting;
    const { names } = defaults;
    const [viewers, operators, onCall] = [groups.viewer ?? [], groups.operator ?? [], groups.onCall ?? []];
    const named = [...viewers, ...operators, ...onCall];
    if (named.length === 0) throw new Error("Name a group that may use the console.");
    const parted = named.find((group) => group.includes(","));
    if (parted !== undefined) throw new Error(`The group '${parted}' can't have a role: its name has a comma.`);
    const vpc = Vpc.fromVpcAttributes(this, "Vpc", {
      vpcId: hosting.vpcId,
      availabilityZones: [...new Set(hosting.subnets.map(({ availabilityZone }) => availabilityZone))],
    });
    const balancer = this.balancer(vpc, hosting, names.of("console"));
    const environment: HostedEnvironment = {
      TURNOUT_ENV: names.environment,
      TURNOUT_APPLICATION: names.application,
      TURNOUT_CONSOLE_HOST: hosting.host,
      TURNOUT_CONSOLE_SIGNER: balancer.loadBalancerArn,
      TURNOUT_CONSOLE_CLIENT: oidc.clientId,
      TURNOUT_CONSOLE_ISSUER: oidc.issuer,
      TURNOUT_CONSOLE_CLAIM: oidc.groupsClaim ?? "groups",
      TURNOUT_CONSOLE_VIEWERS: viewers.join(","),
      TURNOUT_CONSOLE_OPERATORS: operators.join(","),
      TURNOUT_CONSOLE_ON_CALL: onCall.join(","),
    };
    this.console = new TurnoutFunction(this, "Console", {
      ...defaults,
      entry: "console",
      description: "Serves the console to whoever the load balancer has signed in.",
      timeout: Duration.seconds(30),
      memoryMb: 1_024,
      environment,
    });
    const policy = onCall.length > 0 ? access.onCall : operators.length > 0 ? access.operator : access.viewer;
    this.console.role.addManagedPolicy(policy);

    const targets = new ApplicationTargetGroup(this, "Target", {
      targetType: TargetType.LAMBDA,
      multiValueHeadersEnabled: true,
      targets: [new LambdaTarget(this.console)],
    });
    new ApplicationListener(this, "Listener", {
      loadBalancer: balancer,
      protocol: ApplicationProtocol.HTTPS,
      port: 443,
      open: false,
      sslPolicy: SslPolicy.RECOMMENDED_TLS,
      certificates: [ListenerCertificate.fromArn(hosting.certificateArn)],
      defaultAction: ListenerAction.authenticateOidc({
        issuer: oidc.issuer,
        authorizationEndpoint: oidc.authorizationEndpoint,
        tokenEndpoint: oidc.tokenEndpoint,
        userInfoEndpoint: oidc.userInfoEndpoint,
        clientId: oidc.clientId,
        clientSecret: SecretValue.secretsManager(oidc.clientSecretArn),
        scope: oidc.scope ?? "openid email",
        // A day's work. Groups are asked for when somebody signs in, and hold for as long.
        sessionTimeout: Duration.hours(12),
        next: ListenerAction.forward([targets]),
      }),
    });
  }

  private balancer(vpc: IVpc, { subnets, from, isPublic = false }: ConsoleHosting, name: string) {
    const description = "Opens the console to the networks that may, and asks the identity provider.";
    const securityGroup = new SecurityGroup(this, "Network", { vpc, description, allowAllOutbound: false });
    for (const block of from) securityGroup.addIngressRule(Peer.ipv4(block), Port.tcp(443), "May open the console");
    securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), "The identity provider");
    return new ApplicationLoadBalancer(this, "Balancer", {
      vpc,
      loadBalancerName: name,
      internetFacing: isPublic,
      securityGroup,
      vpcSubnets: {
        subnets: subnets.map(({ subnetId, availabilityZone }) => {
          const subnet = Subnet.fromSubnetAttributes(this, subnetId, { subnetId, availabilityZone });
          Annotations.of(subnet).acknowledgeWarning(
            "@aws-cdk/aws-ec2:noSubnetRouteTableId",
            "No routes are made in it.",
          );
          return subnet;
        }),
      },
      dropInvalidHeaderFields: true,
    });
  }
}
