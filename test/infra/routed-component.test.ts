import { App, Duration, SecretValue, Stack } from "aws-cdk-lib";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { describe, expect, it } from "vitest";
import { queueTarget, urlTarget } from "../../infra/constructs/component-targets.ts";
import { RoutedComponent, type RoutedComponentProps } from "../../infra/constructs/routed-component.ts";
import { VersionRouter } from "../../infra/constructs/version-router.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { type Grant, grantsOf, readable } from "./granted.ts";
import { resolved } from "./resolved.ts";
import { aQueue, aStateMachine, aTask } from "./routed-targets.ts";
import { anApp, type Resource, synthesizedApp } from "./synthesized.ts";

type About = Partial<Omit<RoutedComponentProps, "router" | "targets">>;

/** Somebody's stack with one component of the environment `dev`, as CloudFormation gets it. */
function aComponent(targetsIn: (stack: Stack) => RoutedComponentProps["targets"], about: About = {}): Resource[] {
  const app = anApp();
  const stack = new Stack(app, "dev-shop");
  new RoutedComponent(stack, "Component", {
    router: VersionRouter.fromEnvironment(stack, "Turnout", "dev"),
    componentName: "shop-mailer",
    eventPattern: { source: ["shop"] },
    targets: targetsIn(stack),
    ...about,
  });
  return synthesizedApp(app).resources;
}

/** One that is there already, by the ARN that its row is to have. */
function anotherQueue(name: string) {
  const queue = Queue.fromQueueArn(new Stack(new App(), "other"), name, `arn:aws:sqs:eu-west-1:123456789012:${name}`);
  return queueTarget(queue);
}

const later = { asyncWithin: Duration.hours(1) };

const of = (resources: readonly Resource[], type: string) => resources.filter((resource) => resource.type === type);

/** What the senders of the component may do, on what, and when. */
function sending(resources: readonly Resource[]): Record<string, unknown> {
  const mine = of(resources, "AWS::IAM::Policy").filter(
    ({ properties }) => properties.PolicyName === "sending-shop-mailer",
  );
  expect(mine.map(({ properties }) => (properties.Roles as unknown[]).map(readable))).toEqual([
    ["dev-turnout-router-REGION", "dev-turnout-replayer-REGION"],
  ]);
  return Object.fromEntries(grantsOf(mine).map(({ action, on, when }: Grant) => [action, when ? [on, when] : on]));
}

/** The component's row, as its deployment writes it: the table would take it. */
function registered(resources: readonly Resource[]): Component {
  const [{ properties } = { properties: {} }] = of(resources, "Custom::TurnoutComponent");
  const { name, settings, targets, initially } = resolved(properties);
  const addresses = { ...JSON.parse(String(initially)), ...JSON.parse(String(targets)) } as Record<string, unknown>;
  const aliases = Object.fromEntries(Object.entries(addresses).map(([alias, target]) => [alias, { target }]));
  return Component.parse({ name, ...JSON.parse(String(settings)), aliases });
}

describe("a routed component", () => {
  it("may be a queue, which the router sends to and nothing else", () => {
    const resources = aComponent(aQueue);
    expect(sending(resources)).toEqual({ "sqs:SendMessage": "Orders" });
    expect(of(resources, "AWS::Events::Rule")).toEqual([]);
  });

  it("is registered with its pattern, its timeout and how it is called, as the routing table takes it", () => {
    const target = { kind: "sqs", queueArn: "arn:aws:sqs:eu-west-1:123456789012:orders" };
    expect(registered(aComponent(() => ({ stable: anotherQueue("orders") })))).toMatchObject({
      name: "shop-mailer",
      pattern: { source: ["shop"] },
      timeoutMs: 30_000,
      invocation: { kind: "sync" },
      aliases: { stable: { target } },
    });
  });

  it("may be versions of a state machine, of which the router starts just these, and is told how that ends", () => {
    const resources = aComponent(aStateMachine, later);
    expect(sending(resources)).toEqual({
      "states:StartExecution": [
        "Fulfil",
        { StringEquals: { "states:StateMachineQualifier": { "Fn::Select": [7, expect.anything()] } } },
      ],
    });
    const rules = of(resources, "AWS::Events::Rule").map(({ properties }) => properties);
    expect(rules).toMatchObject([
      {
        Name: "dev-shop-mailer-ends",
        EventPattern: {
          source: ["aws.states"],
          "detail-type": ["Step Functions Execution Status Change"],
          detail: { status: ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] },
        },
      },
    ]);
    const told = rules.flatMap(({ Targets }) => Targets as { Arn: unknown }[]);
    expect(told.map(({ Arn }) => readable(Arn))).toEqual([expect.stringMatching(/:sqs:.*:dev-turnout-outcomes$/)]);
    const kept = of(resources, "AWS::StepFunctions::StateMachineVersion");
    expect(kept.map(({ deletionPolicy, updateReplacePolicy }) => [deletionPolicy, updateReplacePolicy])).toEqual([
      ["Retain", "Retain"],
      ["Retain", "Retain"],
    ]);
  });

  it("an execution that is done once it is started needs nobody to tell how it ends", () => {
    expect(of(aComponent(aStateMachine), "AWS::Events::Rule")).toEqual([]);
  });

  it("may be a task definition, of which the router runs tasks on the one cluster and passes its own roles", () => {
    const resources = aComponent(aTask, later);
    expect(sending(resources)).toEqual({
      "ecs:RunTask": [
        "arn:PARTITION:ecs:REGION:ACCOUNT:task-definition/builder:*",
        { ArnEquals: { "ecs:cluster": { "Fn::GetAtt": [expect.stringMatching(/^Builds/), "Arn"] } } },
      ],
      "iam:PassRole": [
        expect.stringMatching(/^Builder(TaskRole|ExecutionRole)$/),
        { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
      ],
      "s3:PutObject": "arn:PARTITION:s3:::dev-turnout-bodies-ACCOUNT-REGION/handed/shop-mailer/*",
    });
    const task = grantsOf(resources).filter(({ action }) => action === "s3:GetObject");
    expect(task.map(({ who, on }) => [who, on])).toEqual([
      ["BuilderTaskRole", "arn:PARTITION:s3:::dev-turnout-bodies-ACCOUNT-REGION/handed/shop-mailer/*"],
    ]);
    expect(of(resources, "AWS::Events::Rule")[0]?.properties.EventPattern).toMatchObject({
      source: ["aws.ecs"],
      detail: { lastStatus: ["STOPPED"], group: ["family:builder"], startedBy: [{ prefix: "turnout/" }] },
    });
    const [definition] = of(resources, "AWS::ECS::TaskDefinition");
    expect([definition?.deletionPolicy, definition?.updateReplacePolicy]).toEqual(["Retain", "Retain"]);
  });

  it("may be a URL, whose secrets the router reads", () => {
    const resources = aComponent((stack) => {
      const secret = new Secret(stack, "Signing", {
        secretStringValue: SecretValue.unsafePlainText("whsec_x"),
      }) as ISecret;
      return { stable: urlTarget({ url: "https://preview.example.com/events", secrets: [secret] }) };
    });
    expect(sending(resources)).toEqual({ "secretsmanager:GetSecretValue": "Signing" });
  });

  it("has aliases that a deployment moves, and others that it only makes", () => {
    const moved = { stable: anotherQueue("orders") };
    const resources = aComponent(() => moved, { initially: { beta: anotherQueue("tries") } });
    const [{ properties } = { properties: {} }] = of(resources, "Custom::TurnoutComponent");
    expect(Object.keys(JSON.parse(String(resolved(properties).targets)))).toEqual(["stable"]);
    expect(Object.keys(registered(resources).aliases)).toEqual(["beta", "stable"]);
  });

  it("refuses an alias that is both, and a name that no rule can have", () => {
    const twice = { stable: anotherQueue("orders") };
    expect(() => aComponent(() => twice, { initially: twice })).toThrow("says twice what 'stable' stands for");
    expect(() => aComponent(aTask, { ...later, componentName: "c".repeat(62) })).toThrow(/is longer than 64/);
  });
});
