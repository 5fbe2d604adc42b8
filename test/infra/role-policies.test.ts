import { describe, expect, it } from "vitest";
import { rolesAllowing } from "../../shared/installation/role-policies.ts";
import { grantsOf } from "./granted.ts";
import { synthesized } from "./synthesized.ts";

const PROD = { environment: "prod", application: "turnout" };
const FUNCTIONS: Record<string, string> = { AccessCommitter: "committer", ReplayReplayer: "replayer" };

describe("what people are told of policies", () => {
  it("is what the environment's policies allow", () => {
    const deployed = new Map<string, string[]>();
    for (const { who, action, on } of grantsOf(synthesized("prod").resources)) {
      if (!["viewer", "operator", "on-call"].includes(who)) continue;
      const key = action === "lambda:InvokeFunction" ? `${action} ${on}` : action;
      deployed.set(key, [...new Set([...(deployed.get(key) ?? []), who])]);
    }
    expect(deployed.size).toBeGreaterThan(20);
    for (const [key, who] of deployed) {
      const [action = "", on = ""] = key.split(" ");
      const resource = `arn:aws:lambda:eu-west-1:1:function:prod-turnout-${FUNCTIONS[on] ?? ""}`;
      const told = rolesAllowing({ action, resource }, PROD);
      expect([key, [...told].sort()]).toEqual([key, who.sort()]);
    }
  });

  it("is nothing where no policy allows it", () => {
    const resource = "arn:aws:lambda:eu-west-1:1:function:dev-turnout-committer";
    for (const action of ["dynamodb:DeleteTable", "lambda:InvokeFunction", "toString"])
      expect(rolesAllowing({ action, resource }, PROD)).toEqual([]);
  });
});
