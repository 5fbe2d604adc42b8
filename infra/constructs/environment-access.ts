import { Duration, Stack } from "aws-cdk-lib";
import { ManagedPolicy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import { COMPONENT_TAG, type EnvironmentNames, SOURCE_TAG } from "./environment-names.ts";
import type { EventReplay } from "./event-replay.ts";
import type { EventRouting } from "./event-routing.ts";
import type { EventStorage } from "./event-storage.ts";
import type { SettingsEnvironment } from "./settings-environment.ts";
import {
  BODIES,
  changeReplays,
  INBOX_PARTITIONS,
  LAPTOPS_PARTITION,
  listenOnLaptop,
  REPLAYS_PARTITION,
  readEvents,
  readReplays,
  readRouting,
} from "./store-actions.ts";
import { componentArns, type FunctionDefaults, TurnoutFunction } from "./turnout-function.ts";

export type EnvironmentAccessProps = FunctionDefaults & {
  storage: EventStorage;
  routing: EventRouting;
  replay: EventReplay;
};

/** Looking at the versions and aliases of components. */
const readVersions = [
  "lambda:GetAlias",
  "lambda:GetFunctionConfiguration",
  "lambda:GetFunctionEventInvokeConfig",
  "lambda:ListAliases",
  "lambda:ListVersionsByFunction",
] as const;

/** `alias set`, `promote`, `rollback`, `undo`: of functions that are tagged as the environment's components. */
const moveAliases = ["lambda:CreateAlias", "lambda:UpdateAlias"] as const;

/**
 * The parameter in which the CLI finds an environment, and four policies to attach to people's and services' roles:
 *
 * - `publisher`, for services: puts events on the bus, of the source that the service's role is tagged with.
 * - `viewer`: all commands that only look.
 * - `operator`: looks, changes the routing, publishes versions, moves aliases, removes versions, listens on a laptop.
 * - `on-call`: looks, changes the routing, moves aliases, and starts, pauses and cancels replays.
 */
export class EnvironmentAccess extends Construct {
  readonly parameter: StringParameter;
  /** Called by CloudFormation; what it may do with a function, the function's own stack says. */
  readonly componentResource: TurnoutFunction;
  /** Writes the routing table for people, who may only call it. */
  readonly committer: TurnoutFunction;
  readonly publisher: ManagedPolicy;
  readonly viewer: ManagedPolicy;
  readonly operator: ManagedPolicy;
  readonly onCall: ManagedPolicy;

  constructor(scope: Construct, id: string, props: EnvironmentAccessProps) {
    super(scope, id);
    const { names, storage, routing, replay } = props;
    this.componentResource = new TurnoutFunction(this, "ComponentResource", {
      ...props,
      entry: "component-resource",
      description: "Makes the components of deployments: their aliases and their rows in the routing table.",
      timeout: Duration.minutes(5),
      memoryMb: 256,
      environment: storage.environment,
    });
    this.componentResource.changesRouting(storage.routingTable.tableArn);
    // The guardrails ask whose events of the last hour the move of an alias gives another version.
    this.componentResource.may(readEvents, storage.eventTable.tableArn);
    this.componentResource.may(["s3:GetObject"], storage.bodies.arnForObjects(BODIES));
    this.componentResource.looksAtVersions(["lambda:GetAlias", "lambda:ListAliases", "lambda:ListVersionsByFunction"]);
    this.committer = new TurnoutFunction(this, "Committer", {
      ...props,
      entry: "committer",
      description: "Commits changes of the routing for those who may not write the table.",
      timeout: Duration.seconds(30),
      memoryMb: 512,
      environment: storage.environment,
    });
    this.committer.changesRouting(storage.routingTable.tableArn);
    const { region } = Stack.of(this);
    const settings: SettingsEnvironment & { AWS_REGION: string } = {
      ...storage.environment,
      ...routing.environment,
      ...replay.environment,
      TURNOUT_COMMITTER: this.committer.functionName,
      AWS_REGION: region,
    };
    this.parameter = new StringParameter(this, "Settings", {
      parameterName: names.parameter,
      description: "What the turnout command needs to know of this environment.",
      stringValue: Stack.of(this).toJsonString(settings),
    });

    const components = componentArns(this, names);
    const { tableArn: routingTable } = storage.routingTable;
    const { tableArn: eventTable } = storage.eventTable;
    const look = [
      allow("FindTheEnvironment", ["ssm:GetParameter"], this.parameter.parameterArn),
      allow("ReadTheRouting", readRouting, routingTable),
      allow("ReadEvents", [...new Set([...readEvents, ...readReplays])], eventTable),
      allow("ReadBodies", ["s3:GetObject"], storage.bodies.arnForObjects(BODIES)),
      allow(
        "ReadQueueDepths",
        ["sqs:GetQueueAttributes"],
        ...[
          routing.liveQueue,
          routing.deadLetterQueue,
          routing.ruleDeadLetters,
          routing.outcomeQueue,
          routing.outcomeDeadLetters,
        ].map(({ queueArn }) => queueArn),
      ),
      allow("ReadVersions", readVersions, components),
      allow("ReadLogs", ["logs:FilterLogEvents"], logGroupArns(this, names)),
      ...examine(storage, routing),
      ...examineTargets(this),
    ];
    const route = [
      allow("ChangeTheRouting", ["lambda:InvokeFunction"], this.committer.functionArn),
      ofComponents(this, names, "MoveAliases", moveAliases, "*"),
    ];
    const changeReplay = allow("ChangeReplays", changeReplays, eventTable);
    changeReplay.addCondition("ForAllValues:StringEquals", { "dynamodb:LeadingKeys": [REPLAYS_PARTITION] });

    const listen = allow("ListenOnALaptop", listenOnLaptop, eventTable);
    listen.addCondition("ForAllValues:StringLike", { "dynamodb:LeadingKeys": [LAPTOPS_PARTITION, INBOX_PARTITIONS] });

    const policy = (part: string, role: string, description: string, statements: PolicyStatement[]) =>
      new ManagedPolicy(this, part, { managedPolicyName: names.iamNameOf(role), description, statements });
    this.publisher = policy("Publisher", "publisher", "Puts events on Turnout's bus.", [
      allow("FindTheEnvironment", ["ssm:GetParameter"], this.parameter.parameterArn),
      publish(routing.eventBus.eventBusArn),
    ]);
    this.viewer = policy("Viewer", "viewer", "Looks at Turnout's routing, events, replays and versions.", look);
    this.operator = policy("Operator", "operator", "Changes Turnout's routing, and publishes and moves versions.", [
      ...look,
      ...route,
      ofComponents(this, names, "PublishVersions", ["lambda:PublishVersion"], "*"),
      // With a qualifier: a version, never the function.
      ofComponents(this, names, "RemoveVersions", ["lambda:DeleteFunction"], "*:*"),
      listen,
      // An outcome counts only with the token that was handed out with its attempt.
      allow("TellOutcomes", ["sqs:SendMessage"], routing.outcomeQueue.queueArn),
    ]);
    this.onCall = policy("OnCall", "on-call", "Moves customers and versions back, and replays events.", [
      ...look,
      ...route,
      changeReplay,
      allow("StartReplays", ["lambda:InvokeFunction"], replay.replayer.functionArn),
    ]);
  }
}

/** Of Turnout's own functions and of the components: as Lambda calls them, after functions of the environment. */
function logGroupArns(scope: Construct, { environment }: EnvironmentNames): string {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:logs:${region}:${account}:log-group:/aws/lambda/${environment}-*:*`;
}

/** What `doctor` looks at besides. */
function examine(storage: EventStorage, routing: EventRouting): PolicyStatement[] {
  const { routingTable, eventTable, bodies } = storage;
  const describe = ["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:DescribeContinuousBackups"];
  return [
    allow("ExamineTables", describe, routingTable.tableArn, eventTable.tableArn),
    allow("ExamineBodies", ["s3:ListBucket"], bodies.bucketArn),
    // The account's quota is no resource that has a name.
    allow("ExamineQuota", ["lambda:GetAccountSettings"], "*"),
    allow("ExamineBus", ["events:DescribeEventBus"], routing.eventBus.eventBusArn),
  ];
}

/**
 * Whether what components send to is there, in this account and region: names and states, and nothing of what is in a
 * queue, of a machine's definition or of a task's environment.
 */
function examineTargets(scope: Construct): PolicyStatement[] {
  const { partition, region, account } = Stack.of(scope);
  const of = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${account}:${resource}`;
  const machines = ["states:DescribeStateMachineAlias", "states:ListStateMachineVersions"];
  return [
    allow("ExamineQueues", ["sqs:GetQueueUrl"], of("sqs", "*")),
    allow("ExamineStateMachines", machines, of("states", "stateMachine:*")),
    allow("ExamineClusters", ["ecs:DescribeClusters"], of("ecs", "cluster/*")),
    // Task definitions are listed of an account, or not at all.
    allow("ExamineTaskDefinitions", ["ecs:ListTaskDefinitions"], "*"),
  ];
}

/** By their tag and not by their name: a name is whatever somebody has given to a function. */
function ofComponents(
  scope: Construct,
  { componentTag }: EnvironmentNames,
  sid: string,
  actions: readonly string[],
  functions: string,
): PolicyStatement {
  const { partition, region, account } = Stack.of(scope);
  const statement = allow(sid, actions, `arn:${partition}:lambda:${region}:${account}:function:${functions}`);
  statement.addCondition("StringEquals", { [`aws:ResourceTag/${COMPONENT_TAG}`]: componentTag });
  return statement;
}

/** A request has several events, each of which has to be of the service's own source; without the tag none is. */
function publish(busArn: string): PolicyStatement {
  const own = `\${aws:PrincipalTag/${SOURCE_TAG}}`;
  const statement = allow("PublishEvents", ["events:PutEvents"], busArn);
  statement.addCondition("ForAllValues:StringLike", { "events:source": [own, `${own}.*`] });
  statement.addCondition("Null", { "events:source": "false", [`aws:PrincipalTag/${SOURCE_TAG}`]: "false" });
  return statement;
}

function allow(sid: string, actions: readonly string[], ...resources: string[]): PolicyStatement {
  return new PolicyStatement({ sid, actions: [...actions], resources });
}
