import { CustomResource, Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { ComponentTarget } from "./component-targets.ts";
import { HANDED } from "./store-actions.ts";
import type { IVersionRouter } from "./version-router.ts";

/** Longer than a permission takes until it holds. */
const SERVICE_TIMEOUT = Duration.minutes(10);

/** Of a rule's name, as of a function's. */
const MAX_NAME = 64;

export type RoutedComponentProps = {
  router: IVersionRouter;
  /** `<application>-<role>`. */
  componentName: string;
  /** Which events it gets, in EventBridge's event pattern language, e.g. `{ source: ["github.com"] }`. */
  eventPattern: Record<string, unknown>;
  /** What each alias stands for after this deployment, whatever it stood for before. */
  targets: Readonly<Record<string, ComponentTarget>>;
  /** What further aliases stand for where they are missing; a deployment never moves them. */
  initially?: Readonly<Record<string, ComponentTarget>>;
  /** How long one attempt may take, up to 840 s; where it is asynchronous, how long it may take to be begun. Default 30 s. */
  timeout?: Duration;
  /**
   * Set for tasks, and for executions whose end counts: how long after its start that may be, 1 minute to 6 hours, and
   * the timeout on top of it. Default: an event is done once its target has it, or has answered.
   */
  asyncWithin?: Duration;
};

/**
 * A component whose aliases stand for queues, state machines, tasks or URLs, and not for versions of one function. Its
 * deployment registers it, lets Turnout send to what it names, and has EventBridge tell Turnout how that ends. What
 * operators have set stays, as do aliases that it doesn't name.
 */
export class RoutedComponent extends Construct {
  constructor(scope: Construct, id: string, props: RoutedComponentProps) {
    super(scope, id);
    const { router, componentName, targets, initially = {}, asyncWithin, timeout = Duration.seconds(30) } = props;
    const twice = Object.keys(targets).find((alias) => alias in initially);
    if (twice !== undefined) throw new Error(`${this.node.path} says twice what '${twice}' stands for.`);
    const all = { ...initially, ...targets };
    const sending = this.letSend(props, Object.values(all));
    if (asyncWithin !== undefined) this.tellEnds(props, Object.values(all));

    const resource = new CustomResource(this, "Component", {
      resourceType: "Custom::TurnoutComponent",
      serviceToken: router.componentResourceArn,
      serviceTimeout: SERVICE_TIMEOUT,
      removalPolicy: RemovalPolicy.RETAIN,
      properties: {
        name: componentName,
        settings: Stack.of(this).toJsonString({
          pattern: props.eventPattern,
          timeoutMs: timeout.toMilliseconds(),
          invocation:
            asyncWithin === undefined
              ? { kind: "sync" }
              : { kind: "async", maxEventAgeMs: asyncWithin.toMilliseconds() },
        }),
        targets: Stack.of(this).toJsonString(addressesOf(targets)),
        initially: Stack.of(this).toJsonString(addressesOf(initially)),
      },
    });
    resource.node.addDependency(sending);
  }

  private letSend({ router, componentName }: RoutedComponentProps, all: readonly ComponentTarget[]): Policy {
    const kept = `arn:${Stack.of(this).partition}:s3:::${router.bodyBucketName}/${HANDED}${componentName}/*`;
    const readers = all.flatMap(({ letRead }) => (letRead === undefined ? [] : [letRead]));
    for (const letRead of readers) letRead(kept);
    const keeping = new PolicyStatement({ actions: ["s3:PutObject"], resources: [kept] });
    const statements = [...all.flatMap(({ sending }) => sending), ...(readers.length === 0 ? [] : [keeping])];
    // One role has many components' policies: without a name of its own, one would take another's place.
    return new Policy(this, "Sending", {
      policyName: `sending-${componentName}`,
      roles: [...router.senders],
      statements,
    });
  }

  /** Once for what several aliases share. The environment's queue takes what rules of its name tell. */
  private tellEnds({ router, componentName }: RoutedComponentProps, all: readonly ComponentTarget[]): void {
    const told = new Map<string, Rule>();
    for (const { ends } of all) {
      const key = JSON.stringify(ends ?? null);
      if (ends === undefined || told.has(key)) continue;
      const number = told.size === 0 ? "" : `-${told.size + 1}`;
      const ruleName = `${router.names.environment}-${componentName}-ends${number}`;
      if (ruleName.length > MAX_NAME)
        throw new Error(`The rule's name ${ruleName} is longer than ${MAX_NAME} characters.`);
      const rule = new Rule(this, `Ends${number}`, {
        ruleName,
        description: `Tells Turnout how ${ends.what} of ${componentName} have ended.`,
        eventPattern: ends.pattern,
        targets: [{ bind: () => ({ arn: router.outcomeQueueArn }) }],
      });
      told.set(key, rule);
    }
  }
}

function addressesOf(targets: Readonly<Record<string, ComponentTarget>>): Record<string, object> {
  return Object.fromEntries(Object.entries(targets).map(([alias, { address }]) => [alias, address]));
}
