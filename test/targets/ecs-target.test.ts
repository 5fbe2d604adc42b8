import { describe, expect, it } from "vitest";
import { sha256 } from "../../shared/domain/hash.ts";
import type { EcsAddress } from "../../shared/domain/routing/target-address.ts";
import { ecsTarget } from "../../shared/targets/ecs-target.ts";
import type { Send } from "../../shared/targets/target.ts";
import { type AwsAnswer, askingOf, awsJsonStub } from "../support/aws-json-stub.ts";
import { aSend } from "./aws-sends.ts";

const address: EcsAddress = {
  kind: "ecs",
  clusterArn: "arn:aws:ecs:eu-west-1:123456789012:cluster/builds",
  taskDefinition: "builder:7",
  container: "build",
};
const later = { invocation: { kind: "async", maxEventAgeMs: 60_000 }, attemptReference: "attempt-1" } as const;
const TASK = { tasks: [{ taskArn: "arn:aws:ecs:eu-west-1:123456789012:task/builds/7f4a4b2d" }], failures: [] };

async function aCluster(...answers: AwsAnswer[]) {
  const { endpoint, asked } = await awsJsonStub(() => answers.shift() ?? TASK);
  const askFor = askingOf({ name: "ecs", target: "AmazonEC2ContainerServiceV20141113", version: "1.1" }, endpoint);
  const kept: [string, string][] = [];
  const keep = async (key: string, payload: string) => {
    kept.push([key, payload]);
    return `s3://bodies/handed/${key}`;
  };
  const target = ecsTarget({ askFor, keep, now: () => new Date(), delay: async () => {} });
  return { send: (about: Partial<Send> = {}) => target(aSend({ address, ...later, ...about })), asked, kept };
}

describe("a target of kind ecs", () => {
  it("runs one task of the alias's definition, which knows the event and by whom it was started", async () => {
    const { send, asked, kept } = await aCluster();
    expect(await send()).toMatchObject({ outcome: "accepted", requestId: "7f4a4b2d" });
    expect(asked).toEqual([
      {
        operation: "RunTask",
        input: {
          cluster: address.clusterArn,
          taskDefinition: "arn:aws:ecs:eu-west-1:123456789012:task-definition/builder:7",
          count: 1,
          clientToken: sha256("attempt-1"),
          startedBy: "turnout/attempt-1/build",
          overrides: {
            containerOverrides: [
              { name: "build", environment: [{ name: "TURNOUT_EVENT", value: '{"id":"event-1","detail":{}}' }] },
            ],
          },
        },
      },
    ]);
    expect(kept).toEqual([]);
  });

  it("says where and how the task runs, as the target does", async () => {
    const { send, asked } = await aCluster();
    const network = { subnets: ["subnet-1"], securityGroups: ["sg-1"] };
    await send({ address: { ...address, launchType: "FARGATE", network } });
    await send({ address: { ...address, network: { subnets: ["subnet-1"], publicIp: true } } });
    expect(asked.map(({ input }) => [input.launchType, input.networkConfiguration])).toEqual([
      ["FARGATE", { awsvpcConfiguration: { ...network, assignPublicIp: "DISABLED" } }],
      [undefined, { awsvpcConfiguration: { subnets: ["subnet-1"], assignPublicIp: "ENABLED" } }],
    ]);
  });

  it.each([
    ["a long one", "x".repeat(9_000)],
    ["one that is long once its quotes are escaped", '"'.repeat(4_100)],
    ["one of letters that take two bytes", "é".repeat(4_100)],
  ])("keeps in S3 an event that ECS wouldn't take in an environment: %s", async (_, text) => {
    const { send, asked, kept } = await aCluster();
    const payload = JSON.stringify({ text });
    await send({ payload });
    const key = `mailer/${sha256("attempt-1")}.json`;
    expect(kept).toEqual([[key, payload]]);
    expect(asked[0]?.input.overrides).toEqual({
      containerOverrides: [
        { name: "build", environment: [{ name: "TURNOUT_EVENT_S3", value: `s3://bodies/handed/${key}` }] },
      ],
    });
  });

  it("asks again with the same token where an answer was lost", async () => {
    const { send, asked } = await aCluster("cut", { refusal: "ServerException", status: 500 });
    expect(await send()).toMatchObject({ outcome: "accepted" });
    expect(asked.map(({ input }) => input.clientToken)).toEqual(Array(3).fill(sha256("attempt-1")));
  });

  it.each<[string, string, boolean]>([
    ["RESOURCE:MEMORY", "throttled", false],
    ["RESOURCE:PORTS", "throttled", false],
    ["AGENT", "throttled", false],
    ["Capacity is unavailable at this time. Please try again later", "throttled", false],
    ["No Container Instances were found in your cluster.", "throttled", false],
    ["ATTRIBUTE", "failed", true],
    ["MISSING", "failed", false],
  ])("that places no task for %s: %s, for good: %s", async (reason, outcome, isFinal) => {
    const { send } = await aCluster({ tasks: [], failures: [{ reason, detail: "so it is" }] });
    const result = await send();
    expect(result).toMatchObject({
      outcome,
      error: { type: "Ecs.NotPlaced", message: `no task was placed: ${reason} (so it is)` },
    });
    expect("isFinal" in result).toBe(isFinal);
  });

  it.each<[string, object]>([
    ["ThrottlingException", { outcome: "throttled" }],
    ["InvalidParameterException", { outcome: "failed", isFinal: true }],
    ["ClientException", { outcome: "failed" }],
    ["ClusterNotFoundException", { outcome: "failed", error: { message: expect.stringContaining("clusterArn") } }],
    ["AccessDeniedException", { outcome: "failed", error: { message: expect.stringContaining("iam:PassRole") } }],
  ])("%s is asked once, and is what the table says", async (refusal, result) => {
    const { send, asked } = await aCluster({ refusal });
    const ended = await send();
    expect(ended).toMatchObject(result);
    expect("isFinal" in ended).toBe("isFinal" in result);
    expect(asked).toHaveLength(1);
  });

  it("runs nothing that it is to wait for", async () => {
    const { endpoint, asked } = await awsJsonStub(() => TASK);
    const askFor = askingOf({ name: "ecs", target: "AmazonEC2ContainerServiceV20141113", version: "1.1" }, endpoint);
    const target = ecsTarget({ askFor, keep: async () => "", now: () => new Date(), delay: async () => {} });
    expect(await target(aSend({ address }))).toMatchObject({ outcome: "failed", error: { type: "WrongInvocation" } });
    expect(asked).toEqual([]);
  });
});
