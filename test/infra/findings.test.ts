import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { type Acknowledged, acknowledged } from "./acknowledged-findings.ts";
import { synthesized } from "./synthesized.ts";

type Finding = { rule: string; at: string };

describe.each(["dev", "prod"])("cdk-nag's rules for AWS solutions and serverless apps, on %s", (environment) => {
  const findings = findingsIn(environment);

  it("find nothing but what is acknowledged with its reason", () => {
    expect(findings.filter((finding) => !acknowledged.some((one) => fits(one, finding)))).toEqual([]);
  });

  it("find all that is acknowledged: nothing stays acknowledged that is no longer there", () => {
    expect(acknowledged.filter((one) => !findings.some((finding) => fits(one, finding)))).toEqual([]);
  });
});

function findingsIn(environment: string): Finding[] {
  const { app } = synthesized(environment);
  return [new AwsSolutionsChecks(app), new ServerlessChecks(app)].flatMap((pack) =>
    pack
      .validateScope(app)
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map((resource) => ({ rule: ruleName, at: pathOf(resource) })),
      ),
  );
}

/** Without the stack's name. */
function pathOf(resource: object): string {
  const { constructPath = "" } = resource as { constructPath?: string };
  return constructPath.slice(constructPath.indexOf("/") + 1);
}

function fits({ rule, at }: Acknowledged, finding: Finding): boolean {
  const isRule = typeof rule === "string" ? rule === finding.rule : rule.test(finding.rule);
  return isRule && at.test(finding.at);
}
