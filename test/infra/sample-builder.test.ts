import { describe, expect, it } from "vitest";
import { sampleBuilderStack } from "../../infra/constructs/sample-builder.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { readable } from "./granted.ts";
import { resolved } from "./resolved.ts";
import { anApp, synthesizedApp } from "./synthesized.ts";

const app = anApp();
sampleBuilderStack(app, "dev");
const { resources } = synthesizedApp(app);
const of = (wanted: string) => resources.filter(({ type }) => type === wanted);

describe("the sample builder on AWS", () => {
  it("is three task definitions of one image, each started as itself", () => {
    const definitions = of("AWS::ECS::TaskDefinition").map(({ properties, deletionPolicy }) => {
      const [{ Name, Command, Image } = { Name: "", Command: [], Image: "" }] = properties.ContainerDefinitions as {
        Name: string;
        Command: string[];
        Image: unknown;
      }[];
      return { family: properties.Family, Name, Command, image: JSON.stringify(Image), deletionPolicy };
    });
    expect(definitions.toSorted((a, b) => String(a.family).localeCompare(String(b.family)))).toMatchObject(
      ["builder-1", "builder-2", "builder-3"].map((name) => ({
        ...{ family: `dev-${name}`, Name: "build", Command: [name], deletionPolicy: "Retain" },
      })),
    );
    expect(new Set(definitions.map(({ image }) => image)).size).toBe(1);
  });

  it("registers a component whose aliases stand for them, which the routing table takes", () => {
    const [{ properties } = { properties: {} }] = of("Custom::TurnoutComponent");
    const { name, settings, targets, initially } = resolved(properties);
    const addresses = { ...JSON.parse(String(initially)), ...JSON.parse(String(targets)) };
    // What only CloudFormation knows.
    const known = { clusterArn: "arn:aws:ecs:eu-west-1:123456789012:cluster/builds", taskDefinition: "builder:7" };
    const aliases = Object.fromEntries(
      Object.entries(addresses).map(([alias, target]) => [alias, { target: { ...(target as object), ...known } }]),
    );
    const component = Component.parse({ name, aliases, ...JSON.parse(String(settings)) });
    expect(component).toMatchObject({
      ...{ name: "builder", pattern: { source: ["github.com"], "detail-type": ["push"] } },
      invocation: { kind: "async", maxEventAgeMs: 3_600_000 },
      aliases: Object.fromEntries(
        ["stable", "beta", "experimental"].map((alias) => [
          alias,
          { target: { kind: "ecs", container: "build", launchType: "FARGATE" } },
        ]),
      ),
    });
  });

  it("lets Turnout run these families only, and hears how their tasks end", () => {
    const statements = of("AWS::IAM::Policy")
      .filter(({ properties }) => properties.PolicyName === "sending-builder")
      .flatMap(({ properties }) => (properties.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement);
    const runs = statements.filter(({ Action }) => Action === "ecs:RunTask").flatMap(({ Resource }) => Resource);
    expect(runs.map(readable).sort()).toEqual(
      [1, 2, 3].map((n) => `arn:PARTITION:ecs:REGION:ACCOUNT:task-definition/dev-builder-${n}:*`),
    );
    expect(of("AWS::Events::Rule").map(({ properties }) => properties.Name)).toContain("dev-builder-ends");
  });
});
