import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ALBEvent, ALBResult } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bundle } from "../../../infra/constructs/function-code.ts";
import { HOSTING } from "../../support/hosted-console.ts";
import { startedStub } from "../../support/stub-server.ts";

const SIGNER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/prod-turnout-console/1";
const KEY_ID = "a5e6ee5d-3d0e-4a5b-8d3e-3c0b1a2f4d5e";
const UNREACHABLE_KEY = "b5e6ee5d-3d0e-4a5b-8d3e-3c0b1a2f4d5e";
const HOST = HOSTING.host;

const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
const folder = mkdtempSync(join(tmpdir(), "turnout-hosted-"));
let handler: (event: ALBEvent) => Promise<ALBResult>;
let stop: () => void;

beforeAll(async () => {
  bundle("console", folder);
  const stub = await startedStub((request, response) => {
    const { url = "" } = request;
    if (url.startsWith("/keys/")) {
      const status = url.endsWith(KEY_ID) ? 200 : url.endsWith(UNREACHABLE_KEY) ? 500 : 404;
      response.writeHead(status).end(status === 200 ? own.publicKey.export({ type: "spki", format: "pem" }) : "");
      return;
    }
    const isSettings = String(request.headers["x-amz-target"]).startsWith("AmazonSSM.");
    const tables = { TURNOUT_ROUTING_TABLE: "routing", TURNOUT_EVENT_TABLE: "events", TURNOUT_BODY_BUCKET: "bodies" };
    const user = "arn:aws:sts::123456789012:assumed-role/prod-turnout-console/console";
    const message = `User: ${user} is not authorized to perform: dynamodb:GetItem on resource: routing because none`;
    const answer = isSettings
      ? { Parameter: { Value: JSON.stringify(tables) } }
      : { __type: "com.amazon.coral.service#AccessDeniedException", message };
    response.writeHead(isSettings ? 200 : 400, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(answer));
  });
  stop = stub.stop;
  const variables = {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "turnout",
    AWS_SECRET_ACCESS_KEY: "turnout",
    AWS_ENDPOINT_URL_SSM: stub.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: stub.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: stub.endpoint,
    TURNOUT_ENV: "prod",
    TURNOUT_CONSOLE_HOST: HOST,
    TURNOUT_CONSOLE_SIGNER: SIGNER,
    TURNOUT_CONSOLE_CLIENT: HOSTING.oidc.clientId,
    TURNOUT_CONSOLE_ISSUER: HOSTING.oidc.issuer,
    TURNOUT_CONSOLE_KEYS: `${stub.endpoint}/keys`,
    TURNOUT_CONSOLE_VIEWERS: "engineers",
    TURNOUT_CONSOLE_OPERATORS: "release-managers",
    TURNOUT_CONSOLE_ON_CALL: "on-call,sre",
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  ({ handler } = await import(pathToFileURL(join(folder, "console.mjs")).href));
});
afterAll(() => {
  vi.unstubAllEnvs();
  stop?.();
  rmSync(folder, { recursive: true, force: true });
});

type About = { head?: object; claims?: object; key?: KeyObject; tamper?: boolean };

/** As a load balancer signs claims: with padding, which no other JWT has. */
function signed({ head = {}, claims = {}, key = own.privateKey, tamper = false }: About = {}): string {
  const exp = Math.floor(Date.now() / 1_000) + 120;
  const { issuer: iss, clientId: client } = HOSTING.oidc;
  const header = { typ: "JWT", kid: KEY_ID, alg: "ES256", iss, client, signer: SIGNER, exp, ...head };
  const payload = { sub: "1234", email: "ada@acme.example", groups: ["engineers"], exp, iss, ...claims };
  const text = [header, payload].map((part) => padded(Buffer.from(JSON.stringify(part)))).join(".");
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  const shown = tamper
    ? text.replace(/\..*$/, `.${padded(Buffer.from(JSON.stringify({ ...payload, groups: ["sre"] })))}`)
    : text;
  return `${shown}.${padded(signature)}`;
}

function padded(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

function request(path: string, token: string | undefined, about: Partial<ALBEvent> = {}): ALBEvent {
  const said = token === undefined ? {} : { "x-amzn-oidc-data": [token] };
  const multiValueHeaders = { host: [HOST], "sec-fetch-site": ["none"], ...said, ...about.multiValueHeaders };
  const event = { requestContext: { elb: { targetGroupArn: "arn" } }, httpMethod: "GET", path, body: null };
  return { ...event, isBase64Encoded: false, multiValueQueryStringParameters: {}, ...about, multiValueHeaders };
}

const NOWHERE = "/console/nowhere";

describe("the hosted console, as it is bundled", () => {
  it.each([
    ["viewer", ["engineers", "others"]],
    ["operator", ["engineers", "release-managers"]],
    ["on-call", "others, sre"],
  ])("knows the role %s by the groups %o", async (role, groups) => {
    const { statusCode, body } = await handler(request(NOWHERE, signed({ claims: { groups } })));
    expect(statusCode).toBe(404);
    expect(body).toContain("ada@acme.example");
    expect(body).toMatch(new RegExp(`\\b${role}\\b`));
  });

  it("calls who has no mail address that was checked by their id", async () => {
    const { body } = await handler(request(NOWHERE, signed({ claims: { email_verified: "false" } })));
    expect(body).toContain("1234");
    expect(body).not.toContain("ada@acme.example");
  });

  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  it.each<[string, string | undefined]>([
    ["nothing of the load balancer's", undefined],
    ["what is no token", "ada"],
    ["another key's signature", signed({ key: other })],
    ["a key that the region doesn't have", signed({ head: { kid: "c5e6ee5d-3d0e-4a5b-8d3e-3c0b1a2f4d5e" } })],
    ["a key that is named by a path", signed({ head: { kid: "../keys" } })],
    ["another load balancer's", signed({ head: { signer: SIGNER.replace("prod-", "dev-") } })],
    ["another client's", signed({ head: { client: "another" } })],
    ["another provider's", signed({ claims: { iss: "https://id.elsewhere.example" } })],
    ["one that has expired", signed({ claims: { exp: Math.floor(Date.now() / 1_000) - 1 } })],
    ["one without a signature", signed({ head: { alg: "none" } })],
    ["one that was changed on its way", signed({ tamper: true })],
    ["two at once", `${signed()}, ${signed()}`],
  ])("takes nobody for %s", async (_, token) => {
    const { statusCode, body } = await handler(request(NOWHERE, token));
    expect(statusCode).toBe(401);
    expect(body).not.toContain("ada@acme.example");
  });

  it.each([[["others"]], [[]], [undefined], [{ engineers: true }]])(
    "lets nobody in of the groups %o",
    async (groups) => {
      const { statusCode, body } = await handler(request("/console", signed({ claims: { groups } })));
      expect(statusCode).toBe(403);
      expect(body).toContain("is in no group that has a role");
    },
  );

  it("says when the load balancer's keys can't be had", async () => {
    const { statusCode, body } = await handler(request(NOWHERE, signed({ head: { kid: UNREACHABLE_KEY } })));
    expect([statusCode, body?.includes("public keys")]).toEqual([503, true]);
  });

  it("serves its files, with every header, and follows addresses as they were written", async () => {
    const page = await handler(request(NOWHERE, signed()));
    expect(page.multiValueHeaders?.["content-security-policy"]?.[0]).toContain("default-src 'none'");
    const [, style = "", of = ""] = /href="(\/console\/assets\/console\.css)\?of=(\w+)"/.exec(page.body ?? "") ?? [];
    const asset = await handler(request(style, undefined, { multiValueQueryStringParameters: { of: [of] } }));
    expect(asset).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(asset.body).toContain("--");
    const searched = { multiValueQueryStringParameters: { q: ["a%20b%26c"] } };
    expect((await handler(request(NOWHERE, signed(), searched))).body).toContain('value="a b&amp;c"');
    const script = await handler(request("/console/assets/idiomorph.js", undefined));
    expect(script.body).toContain("Idiomorph");
  });

  it("takes no form of another site's page, and none of a viewer's", async () => {
    const form = { httpMethod: "POST", body: Buffer.from("reason=x").toString("base64"), isBase64Encoded: true };
    const from = (origin: string, site: string) => ({
      ...form,
      multiValueHeaders: { origin: [origin], "sec-fetch-site": [site] },
    });
    const foreign = from("https://evil.example", "cross-site");
    const refused = await handler(request("/console/do/freeze", signed({ claims: { groups: "sre" } }), foreign));
    expect([refused.statusCode, refused.body?.includes("another origin")]).toEqual([403, true]);
    const viewer = await handler(request("/console/do/freeze", signed(), from(`https://${HOST}`, "same-origin")));
    expect([viewer.statusCode, viewer.body?.includes("The role viewer may not")]).toEqual([403, true]);
  });

  it("tells what AWS denies its function, with the policy that has it", async () => {
    const { statusCode, body } = await handler(request("/console/changes", signed()));
    expect(statusCode).toBe(403);
    expect(body).toContain("prod-turnout-viewer-eu-west-1");
  });

  it("answers what is no request, and a load balancer that takes single headers", async () => {
    const { statusCode } = await handler(request("/console", undefined, { multiValueHeaders: { host: ["a b"] } }));
    expect(statusCode).toBe(400);
    const { multiValueHeaders: _, multiValueQueryStringParameters: __, ...event } = request(NOWHERE, undefined);
    const single = await handler({ ...event, headers: { host: HOST, "x-amzn-oidc-data": signed() } });
    expect(single.statusCode).toBe(404);
    expect(single.headers?.["x-frame-options"]).toBe("DENY");
  });
});
