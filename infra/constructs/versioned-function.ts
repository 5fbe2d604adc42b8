import { CustomResource, Duration, RemovalPolicy, Stack, Tags, Token } from "aws-cdk-lib";
import { Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import {
  CfnEventInvokeConfig,
  type CfnFunction,
  type Function as LambdaFunction,
  type Version,
} from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { COMPONENT_TAG } from "./environment-names.ts";
import type { IVersionRouter } from "./version-router.ts";

/** The router's own 15 minutes less what it needs around a send. */
const MAX_TIMEOUT = Duration.seconds(840);

/** How much longer than the function's own timeout its answer is waited for. */
const ANSWER_MARGIN = Duration.seconds(1);

/** Longer than a permission takes until it holds, and than all tries of the control plane. */
const SERVICE_TIMEOUT = Duration.minutes(10);

export type VersionedFunctionProps = {
  router: IVersionRouter;
  /** Named `<environment>-<application>-<role>`: the component's name is what follows the environment's. */
  function: LambdaFunction;
  /** Which events it gets, in EventBridge's event pattern language, e.g. `{ source: ["github.com"] }`. */
  eventPattern: Record<string, unknown>;
  /** How long one attempt may take, up to 840 s. Default: the function's own timeout and 1 s. */
  timeout?: Duration;
  /**
   * Set where the function is called asynchronously: how long an event may wait at Lambda before it begins, 1 minute to
   * 6 hours. Default: the router waits for the function's answer.
   */
  asyncWithin?: Duration;
  /** Made at the first deployed version where they are missing. Default `stable`, `beta`, `experimental`. */
  aliases?: readonly string[];
  /** The alias that a deployment moves to the version that it publishes. Default `experimental`; `none` moves none. */
  moves?: string;
};

/**
 * A component: a function whose deployments publish versions, and move one alias only.
 *
 * The versions stay when the next one comes, and when the stack goes: CloudFormation would delete what customers are
 * pinned to. `stable` and `beta` are moved by `turnout promote` and `rollback`, which no deployment takes back. The
 * component is registered in the routing table by the deployment, which owns its pattern, its timeout and its
 * invocation; pins, cohorts, rollouts and the other aliases are its operators' and stay as they are.
 */
export class VersionedFunction extends Construct {
  readonly componentName: string;
  /** The version that this deployment publishes. */
  readonly version: Version;

  constructor(scope: Construct, id: string, props: VersionedFunctionProps) {
    super(scope, id);
    const { router, aliases = ["stable", "beta", "experimental"], moves = "experimental", asyncWithin } = props;
    if (moves !== "none" && !aliases.includes(moves)) {
      throw new Error(`A deployment can't move '${moves}': the aliases are ${aliases.join(", ")}.`);
    }
    const functionName = functionNameOf(props.function, router.names.environment);
    this.componentName = functionName.slice(router.names.environment.length + 1);
    const onFunctionAlone = { includeResourceTypes: ["AWS::Lambda::Function"] };
    Tags.of(props.function).add(COMPONENT_TAG, router.names.componentTag, onFunctionAlone);
    this.version = props.function.currentVersion;
    this.version.applyRemovalPolicy(RemovalPolicy.RETAIN);

    const { partition, region, account } = Stack.of(this);
    const functionArn = `arn:${partition}:lambda:${region}:${account}:function:${functionName}`;
    const policies = this.letRouterUse(router, functionArn);
    if (asyncWithin !== undefined) this.letFunctionTell(props.function, router.outcomeQueueArn);

    const resource = new CustomResource(this, "Component", {
      resourceType: "Custom::TurnoutComponent",
      serviceToken: router.componentResourceArn,
      serviceTimeout: SERVICE_TIMEOUT,
      removalPolicy: RemovalPolicy.RETAIN,
      properties: {
        name: this.componentName,
        functionArn,
        settings: JSON.stringify({
          pattern: props.eventPattern,
          timeoutMs: timeoutOf(props).toMilliseconds(),
          invocation:
            asyncWithin === undefined
              ? { kind: "sync" }
              : { kind: "async", maxEventAgeMs: asyncWithin.toMilliseconds() },
        }),
        version: this.version.version,
        aliases,
        ...(moves === "none" ? {} : { moves }),
      },
    });
    resource.node.addDependency(...policies);
    if (asyncWithin !== undefined) {
      for (const alias of aliases) this.tellOutcomes(alias, functionName, asyncWithin, router, resource);
    }
  }

  /**
   * Versions and aliases, and not what is uploaded but not published: that is the ARN without a qualifier. A role takes
   * 10,240 characters of such policies, which is enough for 43 components of one environment; more need a policy on a
   * pattern of function names.
   */
  private letRouterUse({ senders, movers }: IVersionRouter, functionArn: string): Policy[] {
    const policy = (id: string, roles: IVersionRouter["senders"], actions: string[], resources: string[]) =>
      // One role has many components' policies: without a name of its own, one would take another's place.
      new Policy(this, id, {
        policyName: `${id.toLowerCase()}-${this.componentName}`,
        roles: [...roles],
        statements: [new PolicyStatement({ actions, resources })],
      });
    return [
      policy("Sending", senders, ["lambda:InvokeFunction"], [`${functionArn}:*`]),
      policy("Moving", movers, ["lambda:CreateAlias", "lambda:UpdateAlias"], [functionArn]),
    ];
  }

  private letFunctionTell(fn: LambdaFunction, outcomeQueueArn: string): void {
    fn.addToRolePolicy(new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [outcomeQueueArn] }));
  }

  /** An alias that is made later, by a person, needs the same. */
  private tellOutcomes(
    alias: string,
    functionName: string,
    within: Duration,
    { outcomeQueueArn: destination }: IVersionRouter,
    aliases: CustomResource,
  ): void {
    const config = new CfnEventInvokeConfig(this, `Outcomes-${alias}`, {
      functionName,
      qualifier: alias,
      // An attempt is counted in the ledger, or it isn't made.
      maximumRetryAttempts: 0,
      maximumEventAgeInSeconds: within.toSeconds(),
      destinationConfig: { onSuccess: { destination }, onFailure: { destination } },
    });
    config.node.addDependency(aliases);
  }
}

function functionNameOf(fn: LambdaFunction, environment: string): string {
  const { functionName } = fn.node.defaultChild as CfnFunction;
  const isNamed = functionName !== undefined && !Token.isUnresolved(functionName);
  if (isNamed && functionName.startsWith(`${environment}-`)) return functionName;
  throw new Error(
    `${fn.node.path} needs a name of the form ${environment}-<application>-<role>, such as ` +
      `${environment}-release-coordinator${isNamed ? `, and not ${functionName}` : ""}. Set its functionName.`,
  );
}

function timeoutOf({ timeout, function: fn }: VersionedFunctionProps): Duration {
  const own = fn.timeout ?? Duration.seconds(3);
  const longest = timeout ?? own.plus(ANSWER_MARGIN);
  if (longest.toSeconds() > MAX_TIMEOUT.toSeconds()) {
    throw new Error(
      `${fn.node.path} may take ${longest.toSeconds()} s, and a component may take ${MAX_TIMEOUT.toSeconds()} s. ` +
        "Lower its timeout, or have it take events asynchronously and answer later.",
    );
  }
  if (longest.toMilliseconds() > own.toMilliseconds()) return longest;
  throw new Error(
    `${fn.node.path} ends after ${own.toSeconds()} s and would be given up after ${longest.toSeconds()} s, while it ` +
      "still runs. Set the function's own timeout below the component's.",
  );
}
