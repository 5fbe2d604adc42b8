import { execFile } from "node:child_process";
import { describe, expect, inject, test } from "vitest";
import { openFrontDoor } from "../support/front-door.ts";

const programs = inject("sdkPrograms");
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the program prints, who is given its input as JSON. */
function publish(program: (typeof programs)[number], args: string[], input: unknown): Promise<unknown> {
  const aws = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_DEFAULT_REGION: "eu-central-1" };
  const env = { PATH: process.env.PATH, ...aws };
  return new Promise((resolve, reject) => {
    const child = execFile(program.command, [...program.args, ...args], { env }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout));
      else reject(new Error(`${error.message}\n${stderr}`));
    });
    child.stdin?.end(JSON.stringify(input));
  });
}

function aCloudEvent(id: string, fields: object = {}) {
  const time = "2026-11-20T10:00:00+00:00";
  const stated = { source: "/shop", type: "order placed", subject: 'für 7% "Öl" 💥', customer: "acme", time };
  return { specversion: "1.0", id, ...stated, datacontenttype: "application/json", data: { n: 7, é: "💥" }, ...fields };
}

const stored = (id: string) => ({
  version: "0",
  id,
  source: "/shop",
  "detail-type": "order placed",
  account: "000000000000",
  region: "local",
  time: expect.stringMatching(/^2026-11-20T10:00:00(Z|\+00:00)$/),
  resources: ['für 7% "Öl" 💥'],
  detail: { n: 7, é: "💥", metadata: { customer: "acme" } },
});

describe.each(programs)("CloudEvents of the SDK for $language", (program) => {
  test.each(["binary", "structured"])("arrive in %s mode as they were published", async (mode) => {
    const door = await openFrontDoor();
    expect(await publish(program, ["cloudevents", door.url, mode], [aCloudEvent("e-1")])).toMatchObject({
      status: 202,
    });
    expect(door.bodies().map((body) => JSON.parse(body))).toEqual([stored("e-1")]);
  });

  test("arrive in a batch as they were published", async () => {
    const door = await openFrontDoor();
    const batch = [aCloudEvent("e-1"), aCloudEvent("e-2")];
    const answer = await publish(program, ["cloudevents", door.url, "batched"], batch);
    expect(answer).toEqual({ status: 202, body: { eventIds: ["e-1", "e-2"] } });
    expect(door.bodies().map((body) => JSON.parse(body))).toEqual([stored("e-1"), stored("e-2")]);
  });

  test.each(["binary", "structured", "batched"])("learn that they were refused in %s mode", async (mode) => {
    const door = await openFrontDoor();
    const refused = aCloudEvent("e-1", { source: "aws.s3" });
    expect(await publish(program, ["cloudevents", door.url, mode], [refused])).toMatchObject({ status: 400 });
    expect(door.bodies()).toEqual([]);
  });
});

describe.each(programs)("PutEvents of the AWS SDK for $language", (program) => {
  const anEntry = (fields: object = {}) => ({ Source: "shop", DetailType: "order placed", Detail: "{}", ...fields });

  test("answers for each entry, and says the request's id", async () => {
    const door = await openFrontDoor();
    const entries = [
      anEntry({ Detail: '{"n":12345678901234567890,"é":"💥"}', Time: "2026-11-20T10:00:00.9Z", Resources: ["a"] }),
      anEntry({ Detail: "[]" }),
      anEntry({ EventBusName: "nowhere" }),
    ];
    expect(await publish(program, ["putevents", door.url], entries)).toEqual({
      failed: 1,
      entries: [
        { EventId: "id-1" },
        { ErrorCode: "MalformedDetail", ErrorMessage: expect.stringMatching(/^Detail is malformed\. /) },
        { EventId: "id-2" },
      ],
      requestId: expect.stringMatching(UUID),
    });
    expect(door.bodies()).toHaveLength(1);
    expect(door.bodies()[0]).toContain('"time":"2026-11-20T10:00:00Z"');
    expect(door.bodies()[0]).toContain('"detail":{"n":12345678901234567890,"é":"💥"}}');
  });

  test("throws the errors of EventBridge", async () => {
    const door = await openFrontDoor();
    const entries = Array.from({ length: 11 }, () => anEntry());
    const answer = { error: "ValidationException", requestId: expect.stringMatching(UUID) };
    expect(await publish(program, ["putevents", door.url], entries)).toEqual(answer);
  });

  test("is sent again when it could not be stored", async () => {
    const sent: unknown[] = [];
    let calls = 0;
    const send = async (bodies: readonly unknown[]) => {
      if (++calls === 1) throw new Error("disk full");
      sent.push(...bodies);
      return bodies.map(String);
    };
    const door = await openFrontDoor({ queue: { send } });
    expect(await publish(program, ["putevents", door.url], [anEntry()])).toMatchObject({ failed: 0 });
    expect([calls, sent.length]).toEqual([2, 1]);
  });
});
