import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";
import { controlPlaneStub, refused } from "../support/control-plane-stub.ts";
import { temporaryFolder } from "../support/tmp.ts";

const SCRIPT = join(import.meta.dirname, "../../infra/cdk.ts");

/** `npm run deploy -- …` with a cdk that only notes what it is asked, and ends as told. */
async function aDeployment(exitCodes: readonly number[] = [0, 0]) {
  const plane = await controlPlaneStub();
  const folder = temporaryFolder();
  const asked = join(folder, "asked");
  const cdk = join(folder, "cdk");
  const ends = exitCodes.map((code, n) => `[ "$(wc -l < ${asked})" = ${n + 1} ] && exit ${code}`);
  writeFileSync(cdk, ["#!/bin/sh", `echo "$*" >> ${asked}`, ...ends, "exit 9", ""].join("\n"));
  chmodSync(cdk, 0o755);
  const env = {
    PATH: [folder, process.env.PATH].join(delimiter),
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "turnout",
    AWS_SECRET_ACCESS_KEY: "turnout",
    AWS_CONFIG_FILE: "/no/config",
    AWS_SHARED_CREDENTIALS_FILE: "/no/credentials",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_SSM: plane.endpoint,
  };
  async function deploy(...args: string[]) {
    const child = spawn(process.execPath, [SCRIPT, "deploy", ...args], { env, stdio: "ignore" });
    const [code] = await once(child, "close");
    return { code, asked: existsSync(asked) ? readFileSync(asked, "utf8").trim().split("\n") : [] };
  }
  return { plane, deploy };
}

const plain = (environment: string) => `deploy --all --context env=${environment}`;

it("an environment that isn't there is deployed as one that can be taken back, and then protected", async () => {
  const { deploy } = await aDeployment();
  expect(await deploy("prod", "--require-approval", "never")).toEqual({
    code: 0,
    asked: [
      `${plain("prod")} --context first=true --require-approval never`,
      `${plain("prod")} --require-approval never`,
    ],
  });
});

it("a first deployment that fails isn't protected, and neither is the next try of it", async () => {
  const { deploy } = await aDeployment([3, 0, 0]);
  const first = `${plain("prod")} --context first=true`;
  expect(await deploy("prod")).toEqual({ code: 3, asked: [first] });
  expect(await deploy("prod")).toEqual({ code: 0, asked: [first, first, plain("prod")] });
});

it("an environment that is there never loses its protection", async () => {
  const { deploy, plane } = await aDeployment();
  plane.parameters.set("/turnout/prod", "{}");
  expect(await deploy("prod")).toEqual({ code: 0, asked: [plain("prod")] });
});

it("another application's environment is another one", async () => {
  const { deploy, plane } = await aDeployment();
  plane.parameters.set("/turnout/prod", "{}");
  const { asked } = await deploy("prod", "-c", "application=events");
  expect(asked).toHaveLength(2);
  plane.parameters.set("/events/prod", "{}");
  expect((await deploy("prod", "--context=application=events")).asked).toHaveLength(3);
});

it("deploy fails, and deploys nothing, when it can't be known whether the environment is there", async () => {
  const { deploy, plane } = await aDeployment();
  plane.fail("GetParameter", refused("AccessDeniedException", "not you"));
  const { code, asked } = await deploy("prod");
  expect([code, asked]).toEqual([1, []]);
});

it("an environment without protection is deployed at once, and nobody is asked", async () => {
  const { deploy, plane } = await aDeployment();
  expect(await deploy("dev")).toEqual({ code: 0, asked: [plain("dev")] });
  expect(plane.counts).toEqual({});
});
