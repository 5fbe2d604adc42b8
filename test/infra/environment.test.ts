import { describe, expect, it } from "vitest";
import { awsSettings } from "../../shared/settings.ts";
import { readable } from "./granted.ts";
import { resolved } from "./resolved.ts";
import { type Resource, synthesized } from "./synthesized.ts";

const DAY_S = 86_400;
const dev = synthesized("dev");
const prod = synthesized("prod");

type Properties = Record<string, unknown>;

function ofType({ resources }: { resources: readonly Resource[] }, type: string): Resource[] {
  return resources.filter((resource) => resource.type === type);
}

/** One resource of a type, by a part of its id. */
function one(type: string, id: string, from = prod): Properties {
  const found = ofType(from, type).filter((resource) => resource.id.includes(id));
  expect(found.map((resource) => resource.id)).toHaveLength(1);
  return found[0]?.properties ?? {};
}

const queue = (id: string) => one("AWS::SQS::Queue", id);
const lambda = (id: string) => one("AWS::Lambda::Function", id);
const STATEFUL = ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::Logs::LogGroup"];

describe("an environment's state", () => {
  it.each(["RoutingTable", "EventTable"])("is in %s: on demand with a maximum, restorable, encrypted", (id) => {
    expect(one("AWS::DynamoDB::Table", id)).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      OnDemandThroughput: { MaxReadRequestUnits: 12_000, MaxWriteRequestUnits: 12_000 },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
    });
  });

  it("expires in the event table, and not in the routing table", () => {
    expect(one("AWS::DynamoDB::Table", "EventTable")).toMatchObject({
      TimeToLiveSpecification: { AttributeName: "expires", Enabled: true },
    });
    expect(one("AWS::DynamoDB::Table", "RoutingTable")).not.toHaveProperty("TimeToLiveSpecification");
  });

  it("keeps bodies private, encrypted and behind TLS", () => {
    const blocked = {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    };
    expect(one("AWS::S3::Bucket", "Bodies")).toMatchObject({
      PublicAccessBlockConfiguration: blocked,
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    });
    expect(JSON.stringify(one("AWS::S3::BucketPolicy", "Bodies"))).toContain(
      '{"Bool":{"aws:SecureTransport":"false"}}',
    );
  });

  it("survives everything in prod", () => {
    for (const type of STATEFUL) {
      for (const { id, deletionPolicy, updateReplacePolicy } of ofType(prod, type)) {
        expect([id, deletionPolicy, updateReplacePolicy]).toEqual([id, "RetainExceptOnCreate", "Retain"]);
      }
    }
    for (const { properties } of ofType(prod, "AWS::DynamoDB::Table")) {
      expect(properties).toMatchObject({ DeletionProtectionEnabled: true });
    }
    expect(prod.stacks.map(({ terminationProtection }) => terminationProtection)).not.toContain(false);
    expect(ofType(prod, "Custom::S3AutoDeleteObjects")).toEqual([]);
  });

  it("can be taken back while it is made for the first time: a creation that fails leaves nothing in the way", () => {
    const first = synthesized("prod", {}, true);
    for (const { id, deletionPolicy } of first.resources) {
      expect([id, deletionPolicy]).not.toEqual([id, "Retain"]);
    }
    for (const { properties } of ofType(first, "AWS::DynamoDB::Table")) {
      expect(properties).toMatchObject({ DeletionProtectionEnabled: false });
    }
    expect(first.stacks.map(({ terminationProtection }) => terminationProtection)).not.toContain(true);
  });

  it("has its settings' parameter made last, which says that the environment is whole", () => {
    const access = prod.stacks.find(({ stackName }) => stackName === "prod-turnout-access");
    const before = new Set(access?.dependencies.flatMap((stack) => [stack, ...stack.dependencies]));
    expect([...before].map(({ stackName }) => stackName).sort()).toEqual(
      prod.stacks
        .filter((stack) => stack !== access)
        .map(({ stackName }) => stackName)
        .sort(),
    );
  });

  it("goes with its environment elsewhere", () => {
    for (const { id, deletionPolicy } of dev.resources)
      expect([id, deletionPolicy]).not.toEqual([id, expect.stringContaining("Retain")]);
    for (const { properties } of ofType(dev, "AWS::DynamoDB::Table")) {
      expect(properties).toMatchObject({ DeletionProtectionEnabled: false });
    }
    expect(dev.stacks.map(({ terminationProtection }) => terminationProtection)).not.toContain(true);
    expect(ofType(dev, "Custom::S3AutoDeleteObjects")).toHaveLength(1);
  });
});

describe("the queues", () => {
  it.each(ofType(prod, "AWS::SQS::Queue").map(({ id, properties }) => [id, properties] as const))(
    "keep messages for 14 days, encrypted: %s",
    (_, properties) => {
      expect(properties).toMatchObject({ MessageRetentionPeriod: 14 * DAY_S, SqsManagedSseEnabled: true });
    },
  );

  it("are open to TLS alone", () => {
    const policies = ofType(prod, "AWS::SQS::QueuePolicy");
    expect(policies).toHaveLength(5);
    for (const { properties } of policies)
      expect(JSON.stringify(properties)).toContain('"aws:SecureTransport":"false"');
  });

  it("give a message up to a dead-letter queue of their own after 1,000 receives, and an outcome after 10", () => {
    expect(queue("LiveQueue")).toMatchObject({ RedrivePolicy: { maxReceiveCount: 1_000 } });
    expect(queue("OutcomeQueue")).toMatchObject({ RedrivePolicy: { maxReceiveCount: 10 } });
    const targetOf = (id: string) =>
      readable((queue(id).RedrivePolicy as { deadLetterTargetArn: unknown }).deadLetterTargetArn);
    expect([targetOf("LiveQueue"), targetOf("OutcomeQueue")]).toEqual([
      "RoutingDeadLetterQueue",
      "RoutingOutcomeDeadLetters",
    ]);
  });

  it("hide a message for 6 times as long as a router lives, which is longer than any lease", () => {
    const longestLeaseS = 840 + 5;
    expect(lambda("RoutingRouter")).toMatchObject({ Timeout: 900 });
    expect(queue("LiveQueue")).toMatchObject({ VisibilityTimeout: 6 * 900 });
    expect(6 * 900).toBeGreaterThan(longestLeaseS);
  });

  it("are taken from in batches of 10, with a failure per message and a limit", () => {
    expect(one("AWS::Lambda::EventSourceMapping", "RoutingRouterSource")).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 70 },
    });
    const mappings = ofType(prod, "AWS::Lambda::EventSourceMapping").map(({ properties }) => [
      readable(properties.FunctionName),
      readable(properties.EventSourceArn),
    ]);
    expect(mappings).toEqual([
      ["RoutingRouter", "RoutingLiveQueue"],
      ["RoutingDeadLetters", "RoutingDeadLetterQueue"],
      ["RoutingRuleDeadLetterTaker", "RoutingRuleDeadLetters"],
      ["RoutingOutcomes", "RoutingOutcomeQueue"],
    ]);
  });
});

describe("the bus", () => {
  it("sends every event to the live queue, and what it can't send within a day to a queue of its own", () => {
    const rule = one("AWS::Events::Rule", "Everything");
    expect(rule.EventPattern).toEqual({ source: [{ prefix: "" }] });
    const [target] = rule.Targets as { Arn: unknown; DeadLetterConfig: { Arn: unknown }; RetryPolicy?: unknown }[];
    expect([readable(target?.Arn), readable(target?.DeadLetterConfig.Arn)]).toEqual([
      "RoutingLiveQueue",
      "RoutingRuleDeadLetters",
    ]);
    expect(target).not.toHaveProperty("RetryPolicy");
    // A group that couldn't be read from an event would have it refused.
    expect(target).not.toHaveProperty("SqsParameters");
    const policy = JSON.stringify(one("AWS::SQS::QueuePolicy", "LiveQueue"));
    expect(policy).toMatch(/"ArnEquals":\{"aws:SourceArn":\{"Fn::GetAtt":\["RoutingEverything/);
  });
});

describe("the functions", () => {
  const functions = ofType(prod, "AWS::Lambda::Function");

  it("are Node 24 on arm64, with a log that ends and a name of the environment's", () => {
    expect(functions.map(({ properties }) => properties.FunctionName).sort()).toEqual([
      "prod-turnout-committer",
      "prod-turnout-component-resource",
      "prod-turnout-dead-letters",
      "prod-turnout-guard",
      "prod-turnout-move-sweeper",
      "prod-turnout-outcomes",
      "prod-turnout-replayer",
      "prod-turnout-router",
      "prod-turnout-rule-dead-letters",
      "prod-turnout-sweeper",
      "prod-turnout-watcher",
    ]);
    for (const { properties } of functions) {
      expect(properties).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"] });
    }
    for (const { properties } of ofType(prod, "AWS::Logs::LogGroup")) expect(properties.RetentionInDays).toBe(180);
  });

  it.each(functions.map(({ properties }) => [String(properties.FunctionName), properties] as const))(
    "have settings that can be read: %s",
    (_, properties) => {
      const settings = awsSettings({ ...resolved(variablesOf(properties)), AWS_REGION: "eu-west-1" });
      expect(settings).toMatchObject({ routingTable: expect.stringContaining("Table"), region: "eu-west-1" });
    },
  );

  it.each([
    ["RoutingRouter", "liveQueueUrl", "RoutingLiveQueue"],
    ["RoutingDeadLetters", "deadLetterQueueUrl", "RoutingDeadLetterQueue"],
    ["RoutingRuleDeadLetterTaker", "ruleDeadLetterQueueUrl", "RoutingRuleDeadLetters"],
    ["RoutingOutcomes", "outcomeQueueUrl", "RoutingOutcomeQueue"],
    ["SweepingSweeper", "liveQueueUrl", "RoutingLiveQueue"],
  ] as const)("know the queue that they work with: %s", (id, setting, expected) => {
    const [found] = functions.filter((one) => new RegExp(`/${id}[0-9A-F]{8}$`).test(one.id));
    const variables = variablesOf(found?.properties ?? {});
    expect(awsSettings({ ...resolved(variables), AWS_REGION: "eu-west-1" })[setting]).toContain(expected);
  });

  it("are called every minute where nothing else calls them, without a second try", () => {
    const rules = ofType(prod, "AWS::Events::Rule").filter(({ properties }) => "ScheduleExpression" in properties);
    expect(rules.map(({ properties }) => [properties.Name, properties.ScheduleExpression]).sort()).toEqual([
      ["prod-turnout-guard", "rate(1 minute)"],
      ["prod-turnout-move-sweeper", "rate(1 minute)"],
      ["prod-turnout-replayer", "rate(1 minute)"],
      ["prod-turnout-sweeper", "rate(1 minute)"],
      ["prod-turnout-watcher", "rate(1 minute)"],
    ]);
    const configs = ofType(prod, "AWS::Lambda::EventInvokeConfig");
    expect(configs).toHaveLength(5);
    for (const { properties } of configs) {
      expect(properties).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
    }
  });
});

describe("the settings parameter", () => {
  it("is found by the environment's name, and holds what the command needs", () => {
    const { Name, Value } = one("AWS::SSM::Parameter", "Settings") as { Name: string; Value: unknown };
    expect(Name).toBe("/turnout/prod");
    const settings = awsSettings(resolved(JSON.parse(readable(Value).replace('"REGION"', '"eu-west-1"'))));
    expect(settings).toMatchObject({
      routingTable: expect.any(String),
      eventTable: expect.any(String),
      bodyBucket: expect.any(String),
      eventBus: expect.any(String),
      replayer: expect.any(String),
      committer: expect.any(String),
      concurrency: 800,
      routerTimeoutMs: 900_000,
      region: "eu-west-1",
    });
  });
});

describe("an environment's own settings", () => {
  const alarmTopicArn = "arn:aws:sns:eu-west-1:123456789012:alarms";
  const env = { account: "123456789012", region: "eu-west-1" };
  const own = synthesized("qa", { env, eventBusName: "company", alarmTopicArn, replayers: 5 });

  it("say where it is, which bus it takes from, who is told of alarms, and how much may run at once", () => {
    expect(own.stacks.map(({ environment }) => environment)).toEqual(Array(6).fill("aws://123456789012/eu-west-1"));
    expect(one("AWS::Events::Rule", "Everything", own)).toMatchObject({ EventBusName: "company" });
    expect(ofType(own, "AWS::Events::EventBus")).toEqual([]);
    for (const { properties } of ofType(own, "AWS::CloudWatch::Alarm")) {
      expect(properties).toMatchObject({ AlarmActions: [alarmTopicArn], OKActions: [alarmTopicArn] });
    }
    expect(one("AWS::Lambda::Function", "ReplayReplayer", own)).toMatchObject({ ReservedConcurrentExecutions: 5 });
  });

  it("are those of dev where it has none", () => {
    expect(ofType(own, "AWS::DynamoDB::Table").map(({ deletionPolicy }) => deletionPolicy)).toEqual([
      "Delete",
      "Delete",
    ]);
  });
});

describe("names", () => {
  const NAMED = [
    "FunctionName",
    "TableName",
    "QueueName",
    "RoleName",
    "ManagedPolicyName",
    "AlarmName",
    "DashboardName",
  ];

  it("begin with environment and application, so that several can live in one account", () => {
    for (const { properties } of dev.resources) {
      for (const key of NAMED) {
        const isName = typeof properties[key] === "string" || typeof properties[key] === "object";
        // A function's name elsewhere is a reference to it.
        if (!isName || /^[RSW]/.test(readable(properties[key]))) continue;
        expect(readable(properties[key])).toMatch(/^dev-turnout-/);
      }
    }
  });
});

function variablesOf({ Environment = {} }: Properties): Properties {
  return (Environment as { Variables?: Properties }).Variables ?? {};
}
