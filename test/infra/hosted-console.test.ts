import { describe, expect, it } from "vitest";
import { hostedSettings } from "../../shared/settings.ts";
import { HOSTING } from "../support/hosted-console.ts";
import { grantsOf, readable } from "./granted.ts";
import { resolved } from "./resolved.ts";
import { type Resource, synthesized } from "./synthesized.ts";

const on = synthesized("prod", { console: HOSTING });
const off = synthesized("prod");

function hosted(type: string, { resources } = on): Record<string, unknown> {
  const found = resources.filter((one: Resource) => one.id.startsWith("prod-turnout-console/") && one.type === type);
  expect([type, found.length]).toEqual([type, 1]);
  return found[0]?.properties ?? {};
}

describe("the hosted console", () => {
  it("is off by default, and adds a stack and nothing else", () => {
    expect(off.stacks.map(({ node }) => node.id)).not.toContain("prod-turnout-console");
    const others = on.resources.filter(({ id }) => !id.startsWith("prod-turnout-console/"));
    expect(others).toEqual(off.resources);
  });

  it("is called by a load balancer that has signed people in, over TLS, from the networks that are named", () => {
    expect(hosted("AWS::ElasticLoadBalancingV2::Listener")).toMatchObject({
      Port: 443,
      Protocol: "HTTPS",
      Certificates: [{ CertificateArn: HOSTING.certificateArn }],
      DefaultActions: [
        {
          Type: "authenticate-oidc",
          AuthenticateOidcConfig: {
            ClientId: "turnout-console",
            ClientSecret: `{{resolve:secretsmanager:${HOSTING.oidc.clientSecretArn}:SecretString:::}}`,
            Issuer: HOSTING.oidc.issuer,
          },
        },
        { Type: "forward" },
      ],
    });
    expect(hosted("AWS::ElasticLoadBalancingV2::LoadBalancer")).toMatchObject({
      Scheme: "internal",
      Subnets: HOSTING.subnets.map(({ subnetId }) => subnetId),
    });
    const { SecurityGroupIngress, SecurityGroupEgress } = hosted("AWS::EC2::SecurityGroup");
    expect(SecurityGroupIngress).toMatchObject([{ CidrIp: "10.0.0.0/8", FromPort: 443, ToPort: 443 }]);
    expect(SecurityGroupEgress).toMatchObject([{ FromPort: 443, ToPort: 443 }]);
    expect(hosted("AWS::ElasticLoadBalancingV2::TargetGroup")).toMatchObject({
      TargetType: "lambda",
      TargetGroupAttributes: expect.arrayContaining([{ Key: "lambda.multi_value_headers.enabled", Value: "true" }]),
    });
  });

  it("has settings that its function takes", () => {
    const { Environment } = hosted("AWS::Lambda::Function") as { Environment: { Variables: Record<string, unknown> } };
    const settings = hostedSettings(resolved(Environment.Variables));
    expect(settings).toMatchObject({
      name: { environment: "prod", application: "turnout" },
      groups: { viewer: ["engineers"], operator: ["release-managers"], "on-call": ["on-call"] },
    });
    expect(readable(Environment.Variables.TURNOUT_CONSOLE_SIGNER)).toBe("HostedBalancer");
  });

  it.each([
    [HOSTING.groups, "OnCall"],
    [{ viewer: ["engineers"], operator: ["release-managers"] }, "Operator"],
    [{ viewer: ["engineers"] }, "Viewer"],
  ])("may, for the groups %o, what the policy %s has, and write its log", (groups, policy) => {
    const synthesizedOn = synthesized("prod", { console: { ...HOSTING, groups } });
    const { ManagedPolicyArns } = hosted("AWS::IAM::Role", synthesizedOn) as { ManagedPolicyArns: unknown[] };
    expect(ManagedPolicyArns.map(readable)).toEqual([`Access${policy}`]);
    const own = grantsOf(synthesizedOn.resources.filter(({ id }) => id.startsWith("prod-turnout-console/")));
    const actions = own.filter(({ action }) => action !== "*").map(({ action }) => action);
    expect(actions.sort()).toEqual(["logs:CreateLogStream", "logs:PutLogEvents"]);
  });

  it("isn't made for nobody, or for groups whose names can't be told apart", () => {
    expect(() => synthesized("prod", { console: { ...HOSTING, groups: {} } })).toThrow("Name a group");
    const groups = { viewer: ["CN=engineers,OU=acme"] };
    expect(() => synthesized("prod", { console: { ...HOSTING, groups } })).toThrow("its name has a comma");
  });
});
