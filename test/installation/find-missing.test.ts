import { describe, expect, it, onTestFinished } from "vitest";
import type { JsonService } from "../../shared/aws/json-request.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { TargetAddress } from "../../shared/domain/routing/target-address.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { installationOn } from "../../shared/installation/embedded-installation.ts";
import { examineAliases } from "../../shared/installation/examine-aliases.ts";
import { findMissing } from "../../shared/installation/find-missing.ts";
import type { Installation } from "../../shared/installation/installation.ts";
import { type AwsAnswer, askingOf, awsJsonStub } from "../support/aws-json-stub.ts";
import { aCli } from "../support/cli-process.ts";

const ACCOUNT = "eu-west-1:123456789012";
const MACHINE = `arn:aws:states:${ACCOUNT}:stateMachine:fulfil`;
const CLUSTER = `arn:aws:ecs:${ACCOUNT}:cluster/builds`;
const DEFINITION = `arn:aws:ecs:${ACCOUNT}:task-definition/builder`;

const queue = (name: string) => ({ kind: "sqs", queueArn: `arn:aws:sqs:${ACCOUNT}:${name}` });
const machine = (qualifier: string) => ({ kind: "step-functions", stateMachineArn: `${MACHINE}:${qualifier}` });
const task = (taskDefinition: string, clusterArn = CLUSTER) => ({
  kind: "ecs",
  clusterArn,
  taskDefinition,
  container: "build",
});

/** An account with a queue `orders`, a machine with version 7 and alias `live`, and a cluster with two revisions of builder. */
const account = ({ operation, input }: { operation: string; input: Record<string, unknown> }): AwsAnswer => {
  switch (operation) {
    case "GetQueueUrl":
      return input.QueueName === "orders" ? { QueueUrl: "https://sqs/orders" } : { refusal: "QueueDoesNotExist" };
    case "ListStateMachineVersions":
      if (input.stateMachineArn !== MACHINE) return { refusal: "StateMachineDoesNotExist" };
      return { stateMachineVersions: [{ stateMachineVersionArn: `${MACHINE}:7`, creationDate: 1 }] };
    case "DescribeStateMachineAlias":
      return input.stateMachineAliasArn === `${MACHINE}:live` ? { name: "live" } : { refusal: "ResourceNotFound" };
    case "DescribeClusters": {
      const [arn] = input.clusters as string[];
      if (arn === CLUSTER) return { clusters: [{ clusterArn: arn, status: "ACTIVE" }], failures: [] };
      if (arn === `${CLUSTER}-old`) return { clusters: [{ clusterArn: arn, status: "INACTIVE" }], failures: [] };
      return { clusters: [], failures: [{ arn, reason: "MISSING" }] };
    }
    case "ListTaskDefinitions":
      // A page holds one.
      if (input.familyPrefix !== "builder" || input.status !== "ACTIVE") return { taskDefinitionArns: [] };
      return input.nextToken === undefined
        ? { taskDefinitionArns: [`${DEFINITION}:8`], nextToken: "more" }
        : { taskDefinitionArns: [`${DEFINITION}:7`] };
    default:
      return { refusal: "UnknownOperationException" };
  }
};

async function looking(answer = account) {
  const { endpoint, asked } = await awsJsonStub(answer);
  const service = (name: string, target: string): JsonService => ({ name, target, version: "1.0" });
  const find = findMissing({
    sqs: async () => askingOf(service("sqs", "AmazonSQS"), endpoint),
    "step-functions": async () => askingOf(service("states", "AWSStepFunctions"), endpoint),
    ecs: async () => askingOf(service("ecs", "AmazonEC2ContainerServiceV20141113"), endpoint),
  });
  return { find, asked };
}

describe("findMissing", () => {
  it.each([
    ["a queue", queue("orders"), undefined],
    ["no queue", queue("gone"), `there is no queue arn:aws:sqs:${ACCOUNT}:gone`],
    ["a machine's version", machine("7"), undefined],
    ["no such version", machine("8"), `there is no version or alias '8' of the state machine ${MACHINE}`],
    ["a machine's alias", machine("live"), undefined],
    ["no such alias", machine("dead"), `there is no version or alias 'dead' of the state machine ${MACHINE}`],
    ["a task definition", task("builder:7"), undefined],
    ["one that was deregistered", task("builder:6"), `there is no active task definition ${DEFINITION}:6`],
    ["no cluster", task("builder:7", `${CLUSTER}-gone`), `there is no cluster ${CLUSTER}-gone`],
    ["a deleted cluster", task("builder:7", `${CLUSTER}-old`), `the cluster ${CLUSTER}-old is INACTIVE`],
    ["a URL, which isn't looked at", { kind: "http", url: "https://shop.example/events" }, undefined],
  ])("tells of %s", async (_, target, what) => {
    const { find } = await looking();
    const missing = await find(TargetAddress.parse(target));
    expect(missing?.found).toBe(what && `${what}: what goes to it fails`);
  });

  it("throws where the service doesn't say", async () => {
    const { find } = await looking(() => ({ refusal: "AccessDeniedException" }));
    await expect(find(TargetAddress.parse(queue("orders")))).rejects.toMatchObject({ name: "AccessDeniedException" });
  });
});

describe("examineAliases", () => {
  async function findings(aliases: Record<string, object>, answer = account) {
    const { home, edit } = aCli();
    const targets = Object.fromEntries(Object.entries(aliases).map(([alias, target]) => [alias, { target }]));
    const about = { name: "orders", pattern: { source: ["shop"] }, aliases: targets };
    await edit([{ kind: "apply component", component: Component.parse(about) }]);
    const state = openEmbeddedState(home, { create: false });
    onTestFinished(() => state.close());
    const { find } = await looking(answer);
    const here = installationOn(state, () => true);
    const versions = { from: "functions", environment: "prod", findMissing: find } as const;
    const catalog = { ...here.catalog, aliases: async () => [] };
    return examineAliases({ ...here, catalog, versions: { ...versions, catalog } } as unknown as Installation);
  }

  it("says that what aliases stand for is there, and what isn't looked at", async () => {
    const url = { kind: "http", url: "https://shop.example/events" };
    expect(await findings({ stable: queue("orders"), beta: machine("live"), experimental: url })).toEqual([
      {
        ...{ check: "component orders", status: "ok", remedies: [] },
        found:
          "what aliases stand for is there: stable (queue), beta (state machine); " +
          "Turnout doesn't look at experimental (URL)",
      },
    ]);
  });

  it("names each alias whose queue, machine or task isn't there, and what to do", async () => {
    const found = await findings({ stable: queue("gone"), beta: machine("8"), experimental: machine("7") });
    expect(found).toMatchObject([
      { check: "stable of orders", status: "problem", found: expect.stringContaining("there is no queue") },
      {
        check: "beta of orders",
        status: "problem",
        remedies: [expect.stringMatching(/^Make it, or name another one/)],
      },
    ]);
  });

  it("says that it isn't known where it may not ask, and looks at the rest", async () => {
    const found = await findings({ stable: queue("orders"), beta: machine("8") }, (asked) =>
      asked.operation === "GetQueueUrl" ? { refusal: "AccessDeniedException", message: "no" } : account(asked),
    );
    expect(found).toMatchObject([
      { check: "stable of orders", status: "warning", found: "whether its queue is there isn't known: no" },
      { check: "beta of orders", status: "problem" },
    ]);
  });
});
