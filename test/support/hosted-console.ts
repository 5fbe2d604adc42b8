import type { ConsoleHosting } from "../../infra/constructs/hosted-console.ts";

/** A console that is hosted for three groups. */
export const HOSTING: ConsoleHosting = {
  host: "turnout.acme.example",
  certificateArn: "arn:aws:acm:eu-west-1:123456789012:certificate/one",
  vpcId: "vpc-0a1b2c3d",
  subnets: [
    { subnetId: "subnet-0a1b2c31", availabilityZone: "eu-west-1a" },
    { subnetId: "subnet-0a1b2c32", availabilityZone: "eu-west-1b" },
  ],
  from: ["10.0.0.0/8"],
  oidc: {
    issuer: "https://id.acme.example",
    authorizationEndpoint: "https://id.acme.example/authorize",
    tokenEndpoint: "https://id.acme.example/token",
    userInfoEndpoint: "https://id.acme.example/userinfo",
    clientId: "turnout-console",
    clientSecretArn: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:turnout-console-AbCdEf",
  },
  groups: { viewer: ["engineers"], operator: ["release-managers"], onCall: ["on-call"] },
};
