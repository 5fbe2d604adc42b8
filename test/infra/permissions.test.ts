import { describe, expect, it } from "vitest";
import { type Grant, grantsOf } from "./granted.ts";
import { synthesized } from "./synthesized.ts";

const routingRead = { StorageRoutingTable: ["dynamodb:GetItem", "dynamodb:Query"] };
const examined = ["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"];
const looksAtRouting = { StorageRoutingTable: [...examined, ...routingRead.StorageRoutingTable] };
const routingWrite = {
  StorageRoutingTable: [
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
  ],
};
const LEAVES_LOG =
  'not StorageRoutingTable when {"ForAnyValue:StringLike":{"dynamodb:LeadingKeys":["log","change#*"]}}';
const commits = { ...routingWrite, [LEAVES_LOG]: ["dynamodb:DeleteItem", "dynamodb:UpdateItem"] };
const makesDeliveries = [
  "dynamodb:BatchGetItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:PartiQLDelete",
  "dynamodb:PartiQLInsert",
  "dynamodb:PartiQLUpdate",
  "dynamodb:Query",
];
const takes = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
const writesLog = ["logs:CreateLogStream", "logs:PutLogEvents"];
const bodies = { "StorageBodies/bodies/*": ["s3:GetObject", "s3:PutObject"] };
const neverLatest = { "not arn:PARTITION:lambda:REGION:ACCOUNT:function:*:$LATEST": ["lambda:InvokeFunction"] };

const looks = {
  "arn:PARTITION:ssm:REGION:ACCOUNT:parameterAccessSettings": ["ssm:GetParameter"],
  StorageEventTable: ["dynamodb:BatchGetItem", ...examined, "dynamodb:GetItem", "dynamodb:Query"],
  StorageBodies: ["s3:ListBucket"],
  "StorageBodies/bodies/*": ["s3:GetObject"],
  RoutingBus: ["events:DescribeEventBus"],
  RoutingDeadLetterQueue: ["sqs:GetQueueAttributes"],
  RoutingLiveQueue: ["sqs:GetQueueAttributes"],
  RoutingRuleDeadLetters: ["sqs:GetQueueAttributes"],
  RoutingOutcomeQueue: ["sqs:GetQueueAttributes"],
  RoutingOutcomeDeadLetters: ["sqs:GetQueueAttributes"],
  ...Object.fromEntries(
    [
      ["sqs", "*", "sqs:GetQueueUrl"],
      ["states", "stateMachine:*", "states:DescribeStateMachineAlias", "states:ListStateMachineVersions"],
      ["ecs", "cluster/*", "ecs:DescribeClusters"],
    ].map(([service, on, ...actions]) => [`arn:PARTITION:${service}:REGION:ACCOUNT:${on}`, actions]),
  ),
  "*": ["ecs:ListTaskDefinitions", "lambda:GetAccountSettings"],
};
const readVersions = [
  "lambda:GetAlias",
  "lambda:GetFunctionConfiguration",
  "lambda:GetFunctionEventInvokeConfig",
  "lambda:ListAliases",
  "lambda:ListVersionsByFunction",
];
const readAliases = ["lambda:GetAlias", "lambda:ListAliases", "lambda:ListVersionsByFunction"];
/** Functions that are tagged as components of the environment. */
const tagged = (environment: string, on: string) =>
  `arn:PARTITION:lambda:REGION:ACCOUNT:function:${on} when ` +
  `{"StringEquals":{"aws:ResourceTag/turnout-environment":"${environment}-turnout"}}`;
const OWN_SOURCE = `\${aws:PrincipalTag/turnout-source}`;
const ofOwnSource = {
  "ForAllValues:StringLike": { "events:source": [OWN_SOURCE, `${OWN_SOURCE}.*`] },
  Null: { "events:source": "false", "aws:PrincipalTag/turnout-source": "false" },
};
const components = (environment: string) => `arn:PARTITION:lambda:REGION:ACCOUNT:function:${environment}-*`;
const logGroups = (environment: string) => `arn:PARTITION:logs:REGION:ACCOUNT:log-group:/aws/lambda/${environment}-*:*`;

/** Every action on every resource that anybody is given. Whoever adds one says so here. */
const expected = (environment: string) => ({
  Router: {
    RoutingRouterLog: writesLog,
    RoutingLiveQueue: takes,
    ...routingRead,
    RoutingBus: ["events:PutEvents"],
    StorageEventTable: makesDeliveries,
    ...bodies,
    ...neverLatest,
  },
  DeadLetters: {
    RoutingDeadLettersLog: writesLog,
    RoutingDeadLetterQueue: takes,
    ...routingRead,
    RoutingBus: ["events:PutEvents"],
    StorageEventTable: makesDeliveries,
    ...bodies,
  },
  RuleDeadLetterTaker: {
    RoutingRuleDeadLetterTakerLog: writesLog,
    RoutingRuleDeadLetters: takes,
    ...routingRead,
    RoutingBus: ["events:PutEvents"],
    StorageEventTable: makesDeliveries,
    ...bodies,
  },
  Outcomes: {
    RoutingOutcomesLog: writesLog,
    RoutingOutcomeQueue: takes,
    ...routingRead,
    RoutingBus: ["events:PutEvents"],
    StorageEventTable: ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:PartiQLUpdate", "dynamodb:Query"],
  },
  Replayer: {
    ReplayReplayerLog: writesLog,
    ...routingRead,
    RoutingBus: ["events:PutEvents"],
    StorageEventTable: [
      ...makesDeliveries.filter((action) => action !== "dynamodb:PartiQLDelete"),
      "dynamodb:GetItem",
      "dynamodb:UpdateItem",
    ].sort(),
    "StorageBodies/bodies/*": ["s3:GetObject"],
    ...neverLatest,
    [components(environment)]: ["lambda:ListAliases"],
  },
  Sweeper: {
    SweepingSweeperLog: writesLog,
    RoutingLiveQueue: ["sqs:SendMessage"],
    RoutingOutcomeQueue: ["sqs:SendMessage"],
    'StorageEventTable when {"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["laptops"]}}': [
      "dynamodb:DeleteItem",
    ],
    StorageEventTable: [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
      "dynamodb:PartiQLDelete",
      "dynamodb:PartiQLUpdate",
      "dynamodb:Query",
    ],
    StorageBodies: ["s3:ListBucket"],
    "StorageBodies/bodies/*": ["s3:DeleteObject"],
  },
  Watcher: {
    WatchingWatcherLog: writesLog,
    ...routingRead,
    StorageEventTable: ["dynamodb:BatchGetItem", "dynamodb:Query"],
    [components(environment)]: ["lambda:ListAliases"],
  },
  MoveSweeper: { SweepingMoveSweeperLog: writesLog, ...commits, [components(environment)]: readAliases },
  Guard: {
    SweepingGuardLog: writesLog,
    RoutingBus: ["events:PutEvents"],
    ...commits,
    StorageEventTable: ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
    'StorageEventTable when {"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["replays","watches"]}}': [
      "dynamodb:DeleteItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
    ],
    "StorageBodies/bodies/*": ["s3:GetObject"],
    [components(environment)]: readAliases,
  },
  ComponentResource: {
    AccessComponentResourceLog: writesLog,
    ...commits,
    StorageEventTable: ["dynamodb:BatchGetItem", "dynamodb:Query"],
    "StorageBodies/bodies/*": ["s3:GetObject"],
    [components(environment)]: readAliases,
  },
  Committer: { AccessCommitterLog: writesLog, ...commits },
  publisher: {
    "arn:PARTITION:ssm:REGION:ACCOUNT:parameterAccessSettings": ["ssm:GetParameter"],
    [`RoutingBus when ${JSON.stringify(ofOwnSource)}`]: ["events:PutEvents"],
  },
  viewer: {
    ...looks,
    ...looksAtRouting,
    [components(environment)]: readVersions,
    [logGroups(environment)]: ["logs:FilterLogEvents"],
  },
  operator: {
    ...looks,
    ...looksAtRouting,
    AccessCommitter: ["lambda:InvokeFunction"],
    [components(environment)]: readVersions,
    [logGroups(environment)]: ["logs:FilterLogEvents"],
    [tagged(environment, "*")]: ["lambda:CreateAlias", "lambda:PublishVersion", "lambda:UpdateAlias"],
    [tagged(environment, "*:*")]: ["lambda:DeleteFunction"],
    RoutingOutcomeQueue: ["sqs:GetQueueAttributes", "sqs:SendMessage"],
    'StorageEventTable when {"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["laptops","inbox#*"]}}': [
      "dynamodb:BatchWriteItem",
      "dynamodb:PutItem",
    ],
  },
  "on-call": {
    ...looks,
    ...looksAtRouting,
    AccessCommitter: ["lambda:InvokeFunction"],
    'StorageEventTable when {"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["replays"]}}': [
      "dynamodb:UpdateItem",
    ],
    [components(environment)]: readVersions,
    [logGroups(environment)]: ["logs:FilterLogEvents"],
    [tagged(environment, "*")]: ["lambda:CreateAlias", "lambda:UpdateAlias"],
    ReplayReplayer: ["lambda:InvokeFunction"],
  },
});

/** Given by CDK to the function that empties a bucket before it is deleted, where that may be. */
const CDKS_OWN = "CustomS3AutoDeleteObjectsCustomResourceProvider";

describe.each(["dev", "prod"])("what the roles and policies of %s grant", (environment) => {
  const { resources } = synthesized(environment);
  const grants = grantsOf(resources).filter(({ who }) => !who.includes(CDKS_OWN));

  it("is what stands here, and nothing else", () => {
    expect(tableOf(grants)).toEqual(expected(environment));
  });

  it("has no action with a wildcard", () => {
    expect(grants.filter(({ action }) => action.includes("*"))).toEqual([]);
  });

  it("has no action on everything, but to read the account's quota and the names of its task definitions", () => {
    const everywhere = grants.filter(({ on }) => on === "*" || on === "");
    expect([...new Set(everywhere.map(({ action }) => action))]).toEqual([
      "lambda:GetAccountSettings",
      "ecs:ListTaskDefinitions",
    ]);
  });

  it("has a wildcard in a resource only where names aren't known beforehand", () => {
    const open = new Set(grants.map(({ on }) => on).filter((on) => on.includes("*")));
    expect([...open].sort()).toEqual(
      [
        // The account's quota, and its task definitions.
        "*",
        // What components name that aren't deployed yet: whether it is there.
        "arn:PARTITION:sqs:REGION:ACCOUNT:*",
        "arn:PARTITION:states:REGION:ACCOUNT:stateMachine:*",
        "arn:PARTITION:ecs:REGION:ACCOUNT:cluster/*",
        // Bodies are named by what is in them.
        "StorageBodies/bodies/*",
        // Components come and go: the environment's are called by its name. Nobody changes them by it.
        components(environment),
        // Their logs are called after them.
        logGroups(environment),
        // On condition of a component's tag, and their versions.
        "arn:PARTITION:lambda:REGION:ACCOUNT:function:*",
        "arn:PARTITION:lambda:REGION:ACCOUNT:function:*:*",
        // Denied.
        "arn:PARTITION:lambda:REGION:ACCOUNT:function:*:$LATEST",
      ].sort(),
    );
  });

  it("fits into what IAM takes of a managed policy: 6,144 characters", () => {
    for (const { id, properties } of resources.filter(({ type }) => type === "AWS::IAM::ManagedPolicy")) {
      expect([id, JSON.stringify(properties.PolicyDocument).length < 6_144]).toEqual([id, true]);
    }
  });

  it("leaves a function's uploaded code out of reach", () => {
    const invokes = grants.filter(({ action, denied }) => action === "lambda:InvokeFunction" && !denied);
    expect(invokes.map(({ who, on }) => `${who}: ${on}`)).toEqual([
      "operator: AccessCommitter",
      "on-call: AccessCommitter",
      "on-call: ReplayReplayer",
    ]);
  });
});

function tableOf(grants: readonly Grant[]): Record<string, Record<string, string[]>> {
  const onOf = ({ denied, on, when }: Grant) =>
    `${denied ? "not " : ""}${on}${when === undefined ? "" : ` when ${JSON.stringify(when)}`}`;
  return Object.fromEntries(
    [...Map.groupBy(grants, ({ who }) => who)].map(([who, all]) => [
      who,
      Object.fromEntries(
        [...Map.groupBy(all, onOf)].map(([on, some]) => [on, some.map(({ action }) => action).sort()]),
      ),
    ]),
  );
}
