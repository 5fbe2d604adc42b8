import { expect, it } from "vitest";
import { putNotices } from "../../shared/aws/put-notices.ts";
import { noticeEvent } from "../../shared/domain/notices/notice.ts";
import { stubServer } from "../support/stub-server.ts";

const at = "2026-11-20T10:00:00.000Z";
const detail = { replay: "r", status: "ended", sent: 1, done: 1, dead: 0, at, command: ["turnout"], acts: null };
const notices = ["a", "b"].map((key) => noticeEvent({ type: "Replay Ended", detail }, key));

/** Puts both on a bus that answers so. */
async function put(status: number, answer: object) {
  const asked: { body: string; operation: unknown }[] = [];
  const endpoint = await stubServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked.push({ body: Buffer.concat(chunks).toString(), operation: request.headers["x-amz-target"] });
    response.writeHead(status).end(JSON.stringify(answer));
  });
  const credentials = async () => ({ accessKeyId: "id", secretAccessKey: "key" });
  return { asked, done: putNotices({ name: "prod-events", region: "eu-west-1", credentials, endpoint }, notices) };
}

it("putNotices puts events on their bus as one request, as EventBridge wants them", async () => {
  const { asked, done } = await put(200, { FailedEntryCount: 0, Entries: [{ EventId: "1" }, { EventId: "2" }] });
  await done;
  expect(asked).toHaveLength(1);
  expect(asked[0]?.operation).toBe("AWSEvents.PutEvents");
  const { Entries } = JSON.parse(asked[0]?.body ?? "");
  expect(Entries).toHaveLength(2);
  expect(Entries[0]).toEqual({
    Source: "turnout",
    DetailType: "Replay Ended",
    Time: Date.parse(at) / 1_000,
    Detail: JSON.stringify({ ...detail, metadata: { idempotencyKey: "a" } }),
    EventBusName: "prod-events",
  });
});

it("putNotices fails with what the bus says of an event that it hasn't taken, and of a request", async () => {
  const entries = [{ EventId: "1" }, { ErrorCode: "ThrottlingException", ErrorMessage: "slow down" }];
  await expect((await put(200, { FailedEntryCount: 1, Entries: entries })).done).rejects.toThrow(
    "The bus prod-events has not taken a notice: slow down.",
  );
  const refused = { __type: "com.amazonaws#AccessDeniedException", message: "no" };
  await expect((await put(400, refused)).done).rejects.toThrow(
    expect.objectContaining({ name: "AccessDeniedException", message: "no" }),
  );
});
