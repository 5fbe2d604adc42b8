import { describe, expect, it } from "vitest";
import { bodyKeyOf } from "../../shared/body-store/body-store.ts";
import { s3BodyStore } from "../../shared/body-store/s3-body-store.ts";
import { s3Client, s3Stub } from "../support/s3-stub.ts";
import { describeBodyStore } from "./body-store.contract.ts";

const now = new Date("2026-11-21T10:00:00.000Z");
const key = bodyKeyOf(now, "name");

describeBodyStore("S3", async () => {
  const { endpoint } = await s3Stub("bodies-of-acme");
  const open = () => s3BodyStore(s3Client(endpoint), "bodies-of-acme");
  return { store: open(), another: open, close: async () => {} };
});

describe("bodies in S3", () => {
  async function onStub(bucket = "bodies-of-acme") {
    const stub = await s3Stub("bodies-of-acme");
    return { stub, store: s3BodyStore(s3Client(stub.endpoint), bucket) };
  }

  it("take one request each", async () => {
    const { stub, store } = await onStub();
    await store.put(key, Buffer.from("body"));
    await store.get(key);
    expect(stub.counts()).toEqual({ PutObject: 1, GetObject: 1 });
    await store.expire(now, 100);
    expect(stub.counts()).toEqual({ PutObject: 1, GetObject: 1, ListObjectsV2: 1 });
    await store.expire(new Date(now.getTime() + 86_400_000), 100);
    expect(stub.counts()).toEqual({ PutObject: 1, GetObject: 1, ListObjectsV2: 2, DeleteObjects: 1 });
  });

  it("are tried again when S3 is short of breath", async () => {
    const { stub, store } = await onStub();
    stub.fail("PutObject", "SlowDown");
    stub.fail("GetObject", "InternalError");
    await store.put(key, Buffer.from("body"));
    expect(await store.get(key)).toEqual({ ok: true, value: new Uint8Array(Buffer.from("body")) });
    expect(stub.counts()).toEqual({ PutObject: 2, GetObject: 2 });
  });

  it("leave other objects of the bucket alone", async () => {
    const { stub, store } = await onStub();
    stub.objects.set("bodies-of-acme/00000000000000-somebody-else's", Buffer.from("a"));
    stub.objects.set("bodies-of-acme/bodies/logo.png", Buffer.from("b"));
    expect(await store.expire(new Date("2100-01-01T00:00:00.000Z"), 100)).toBe(0);
    expect(stub.objects.size).toBe(2);
  });

  it("fail with the bucket and what to do when it isn't there or may not be used", async () => {
    const { store } = await onStub("another-bucket");
    await expect(store.put(key, Buffer.from("body"))).rejects.toThrow(
      /'another-bucket'.*NoSuchBucket.*TURNOUT_BODY_BUCKET/,
    );
    await expect(store.expire(now, 10)).rejects.toMatchObject({ kind: "failed" });
    await expect(store.get(key)).rejects.toThrow(/'another-bucket'.*NoSuchBucket/);
  });

  it("tell one that may not be read from a bucket that can't be asked", async () => {
    const { stub, store } = await onStub();
    const [mine, other] = [bodyKeyOf(now, "mine"), bodyKeyOf(now, "other")];
    await store.put(mine, Buffer.from("mine"));
    await store.put(other, Buffer.from("other"));
    stub.fail("GetObject", "AccessDenied");
    expect(await store.get(mine)).toEqual({ ok: false, problem: expect.stringMatching(/mine .*AccessDenied/) });
    expect(await store.get(other)).toMatchObject({ ok: true });
    stub.fail("GetObject", "SlowDown", "SlowDown", "SlowDown");
    await expect(store.get(mine)).rejects.toMatchObject({ kind: "failed", message: expect.stringMatching(/SlowDown/) });
    expect(await store.get(mine)).toMatchObject({ ok: true });
  });
});
