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
    expect(Buffer.from(await store.get(key)).toString()).toBe("body");
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
    const { stub, store: mine } = await onStub();
    stub.fail("GetObject", "AccessDenied");
    await expect(mine.get(key)).rejects.toThrow(/AccessDenied.*what these credentials may do/);
  });
});
