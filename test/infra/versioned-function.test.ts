import { App, Duration, Stack } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import { describe, expect, it } from "vitest";
import { VersionRouter } from "../../infra/constructs/version-router.ts";
import { VersionedFunction, type VersionedFunctionProps } from "../../infra/constructs/versioned-function.ts";
import { grantsOf, readable } from "./granted.ts";
import { anApp, type Resource, synthesized, synthesizedApp } from "./synthesized.ts";

type About = Partial<Omit<VersionedFunctionProps, "router" | "function">> & {
  code?: string;
  functionName?: string;
  functionTimeout?: Duration;
};

/** Somebody's stack with one component of the environment `dev`, as CloudFormation gets it. */
function aComponent(about: About = {}): { resources: Resource[]; component: VersionedFunction } {
  const { code = "exports.handler = async () => {}", functionName = "dev-shop-mailer", ...rest } = about;
  const { functionTimeout = Duration.seconds(30), ...props } = rest;
  const app = anApp();
  const stack = new Stack(app, "dev-shop");
  const fn = new LambdaFunction(stack, "Mailer", {
    functionName,
    runtime: Runtime.NODEJS_24_X,
    handler: "index.handler",
    code: Code.fromInline(code),
    timeout: functionTimeout,
  });
  const router = VersionRouter.fromEnvironment(stack, "Turnout", "dev");
  const eventPattern = { source: ["shop"] };
  const component = new VersionedFunction(stack, "Component", { router, function: fn, eventPattern, ...props });
  return { resources: synthesizedApp(app).resources, component };
}

function only(resources: readonly Resource[], type: string): Resource {
  const found = resources.filter((resource) => resource.type === type);
  expect(found).toHaveLength(1);
  return found[0] as Resource;
}

const registered = (about?: About) => {
  const { settings, ...properties } = only(aComponent(about).resources, "Custom::TurnoutComponent").properties;
  return { ...properties, settings: JSON.parse(String(settings)) };
};

describe("a versioned function", () => {
  it("keeps its versions, whatever comes", () => {
    const version = only(aComponent().resources, "AWS::Lambda::Version");
    expect([version.deletionPolicy, version.updateReplacePolicy]).toEqual(["Retain", "Retain"]);
  });

  it("publishes another version for other code, and none for the same", () => {
    const idOf = (code: string) => only(aComponent({ code }).resources, "AWS::Lambda::Version").id;
    expect(idOf("exports.handler = 1")).toBe(idOf("exports.handler = 1"));
    expect(idOf("exports.handler = 1")).not.toBe(idOf("exports.handler = 2"));
  });

  it("leaves aliases to the custom resource: CloudFormation would move its own back", () => {
    const { resources } = aComponent();
    expect(resources.filter(({ type }) => type === "AWS::Lambda::Alias")).toEqual([]);
    expect(registered()).toMatchObject({
      name: "shop-mailer",
      functionArn: { "Fn::Join": expect.anything() },
      version: { "Fn::GetAtt": [expect.stringContaining("MailerCurrentVersion"), "Version"] },
      aliases: ["stable", "beta", "experimental"],
      moves: "experimental",
    });
  });

  it("moves the alias that it is told, or none", () => {
    expect(registered({ moves: "beta" })).toMatchObject({ moves: "beta" });
    expect(registered({ moves: "none" })).not.toHaveProperty("moves");
  });

  it("is registered with its pattern, a timeout a second above its own, and how it is called", () => {
    expect(registered().settings).toEqual({
      pattern: { source: ["shop"] },
      timeoutMs: 31_000,
      invocation: { kind: "sync" },
    });
    expect(registered({ timeout: Duration.minutes(2) }).settings).toMatchObject({ timeoutMs: 120_000 });
  });

  it("may be invoked by the router and the replayer, at its versions and aliases only", () => {
    const invokes = aComponent().resources.filter(({ id }) => id.includes("Sending"));
    expect(grantsOf(invokes)).toMatchObject([
      { action: "lambda:InvokeFunction", on: "arn:PARTITION:lambda:REGION:ACCOUNT:function:dev-shop-mailer:*" },
    ]);
    expect(invokes[0]?.properties.Roles).toEqual([
      { "Fn::Join": ["", ["dev-turnout-router-", { Ref: "AWS::Region" }]] },
      { "Fn::Join": ["", ["dev-turnout-replayer-", { Ref: "AWS::Region" }]] },
    ]);
  });

  it("is tagged as a component of its environment, itself and nothing beside it", () => {
    const tagged = aComponent().resources.filter(({ properties }) => "Tags" in properties);
    expect(tagged.map(({ type, properties }) => [type, properties.Tags])).toEqual([
      ["AWS::Lambda::Function", [{ Key: "turnout-environment", Value: "dev-turnout" }]],
    ]);
  });

  it("has policies of its own name: the roles have every component's", () => {
    const policies = aComponent().resources.filter(({ id }) => /Sending|Moving/.test(id));
    expect(policies.map(({ properties }) => properties.PolicyName)).toEqual([
      "sending-shop-mailer",
      "moving-shop-mailer",
    ]);
  });

  it("lets its aliases be moved by those who finish moves and who deploy", () => {
    const moving = aComponent().resources.filter(({ id }) => id.includes("Moving"));
    const on = "arn:PARTITION:lambda:REGION:ACCOUNT:function:dev-shop-mailer";
    expect(grantsOf(moving)).toMatchObject([
      { action: "lambda:CreateAlias", on },
      { action: "lambda:UpdateAlias", on },
    ]);
    expect(moving[0]?.properties.Roles).toEqual([
      { "Fn::Join": ["", ["dev-turnout-move-sweeper-", { Ref: "AWS::Region" }]] },
      { "Fn::Join": ["", ["dev-turnout-guard-", { Ref: "AWS::Region" }]] },
      { "Fn::Join": ["", ["dev-turnout-component-resource-", { Ref: "AWS::Region" }]] },
    ]);
  });

  it("leaves room for 43 components in the 10,240 characters that IAM takes of a role's policies", () => {
    const lengths = aComponent({ functionName: "dev-release-coordinator" })
      .resources.filter(({ id }) => /Sending|Moving/.test(id))
      .map(({ properties }) => documentLength(properties));
    // What the roles have besides.
    const own = synthesized("dev")
      .resources.filter(({ type, properties }) => type === "AWS::IAM::Policy" && "PolicyDocument" in properties)
      .map(({ properties }) => documentLength(properties));
    expect(43 * Math.max(...lengths) + Math.max(...own)).toBeLessThanOrEqual(10_240);
  });

  it("tells the outcomes queue what became of every event, and isn't tried again by Lambda, if it is asynchronous", () => {
    const { resources } = aComponent({ asyncWithin: Duration.hours(2) });
    const configs = resources.filter(({ type }) => type === "AWS::Lambda::EventInvokeConfig");
    expect(configs.map(({ properties }) => properties.Qualifier)).toEqual(["stable", "beta", "experimental"]);
    for (const { properties } of configs) {
      const { OnSuccess, OnFailure } = properties.DestinationConfig as { OnSuccess: unknown; OnFailure: unknown };
      expect(properties).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 7_200 });
      expect(JSON.stringify(OnSuccess)).toContain("dev-turnout-outcomes");
      expect(OnFailure).toEqual(OnSuccess);
    }
    const tells = grantsOf(resources).filter(({ action }) => action === "sqs:SendMessage");
    expect(tells).toMatchObject([{ on: "arn:PARTITION:sqs:REGION:ACCOUNT:dev-turnout-outcomes" }]);
    expect(registered({ asyncWithin: Duration.hours(2) }).settings).toMatchObject({
      invocation: { kind: "async", maxEventAgeMs: 7_200_000 },
    });
  });

  it("has no destinations if the router waits for it", () => {
    const { resources } = aComponent();
    expect(resources.filter(({ type }) => type === "AWS::Lambda::EventInvokeConfig")).toEqual([]);
    expect(grantsOf(resources).filter(({ action }) => action.startsWith("sqs:"))).toEqual([]);
  });

  it("stays registered when its stack goes", () => {
    expect(only(aComponent().resources, "Custom::TurnoutComponent").deletionPolicy).toBe("Retain");
  });

  it.each<[string, About, string]>([
    ["a name of another environment", { functionName: "prod-shop-mailer" }, "Set its functionName"],
    ["an alias to move that it doesn't have", { moves: "canary" }, "the aliases are stable, beta, experimental"],
    ["a timeout longer than a component may have", { functionTimeout: Duration.minutes(15) }, "Lower its timeout"],
    ["a timeout that ends before its own", { timeout: Duration.seconds(10) }, "Set the function's own timeout below"],
  ])("refuses %s", (_, about, remedy) => {
    expect(() => aComponent(about)).toThrow(remedy);
  });
});

describe("a version router in somebody's own stack", () => {
  const app = anApp();
  const stack = new Stack(app, "mine");
  const router = new VersionRouter(stack, "Turnout", {
    environment: "dev",
    application: "events",
    eventBus: EventBus.fromEventBusName(stack, "Bus", "company"),
    batchingWindow: Duration.seconds(2),
    replayers: 3,
    alarms: { oldestMessage: Duration.minutes(1) },
    alarmTopic: new Topic(stack, "Alarms"),
  });
  const mailer = new LambdaFunction(stack, "Mailer", {
    functionName: "dev-shop-mailer",
    runtime: Runtime.NODEJS_24_X,
    handler: "index.handler",
    code: Code.fromInline("exports.handler = async () => {}"),
  });
  new VersionedFunction(stack, "Component", { router, function: mailer, eventPattern: { source: ["shop"] } });
  const { resources } = synthesizedApp(app);
  const find = (type: string, id: string) => resources.filter((one) => one.type === type && one.id.includes(id));

  it("is whole, and protected unless it is told otherwise", () => {
    const tables = resources.filter(({ type }) => type === "AWS::DynamoDB::Table");
    expect(tables.map(({ properties }) => properties.TableName)).toEqual(["dev-events-routing", "dev-events-events"]);
    expect(tables.map(({ deletionPolicy }) => deletionPolicy)).toEqual([
      "RetainExceptOnCreate",
      "RetainExceptOnCreate",
    ]);
    expect(find("AWS::Lambda::Function", "Turnout")).toHaveLength(11);
  });

  it("takes from a bus that is there already", () => {
    expect(resources.filter(({ type }) => type === "AWS::Events::EventBus")).toEqual([]);
    expect(find("AWS::Events::Rule", "Everything")[0]?.properties).toMatchObject({ EventBusName: "company" });
  });

  it("hides messages for the batching window too", () => {
    expect(find("AWS::SQS::Queue", "LiveQueue")[0]?.properties).toMatchObject({ VisibilityTimeout: 5_402 });
  });

  it("limits its replayers, and rings where it is told", () => {
    expect(find("AWS::Lambda::Function", "Replayer")[0]?.properties).toMatchObject({ ReservedConcurrentExecutions: 3 });
    for (const { properties } of resources.filter(({ type }) => type === "AWS::CloudWatch::Alarm")) {
      expect(properties.AlarmActions).toEqual([{ Ref: expect.stringContaining("Alarms") }]);
    }
  });

  it("has components beside it", () => {
    const [sending] = find("AWS::IAM::Policy", "Sending");
    expect(sending?.properties.Roles).toEqual([
      { Ref: expect.stringContaining("RouterRole") },
      { Ref: expect.stringContaining("ReplayerRole") },
    ]);
  });
});

describe("an environment's name", () => {
  it.each(["Prod", "pre_prod", "a-very-long-name", "-dev", ""])("refuses '%s'", (environment) => {
    const stack = new Stack(new App(), "mine");
    expect(() => VersionRouter.fromEnvironment(stack, "Turnout", environment)).toThrow(
      "can't be the environment's name",
    );
  });
});

/** With names as long as they get in AWS's longest regions. */
function documentLength({ PolicyDocument }: Record<string, unknown>): number {
  const { Statement } = PolicyDocument as { Statement: { Resource: unknown }[] };
  const Resource = (of: unknown) => [of].flat().map((one) => arnLike(readable(one)));
  const resolved = Statement.map((statement) => ({ ...statement, Resource: Resource(statement.Resource) }));
  return JSON.stringify({ Version: "2012-10-17", Statement: resolved }).length;
}

function arnLike(text: string): string {
  if (!text.startsWith("arn:")) return `arn:aws:dynamodb:ap-southeast-1:123456789012:table/${text}`;
  return text.replace("PARTITION", "aws").replace("REGION", "ap-southeast-1").replace("ACCOUNT", "123456789012");
}
