import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { TurnoutError } from "../domain/errors.ts";
import { type BodyStore, hasExpired } from "./body-store.ts";

/** S3 lists and deletes so many objects at once. */
const OBJECTS_PER_REQUEST = 1_000;

/** Answers that are about one object, and stay so until somebody does something about it. */
const ABOUT_THE_OBJECT = new Set(["NoSuchKey", "NotFound", "AccessDenied", "Forbidden", "InvalidObjectState"]);

/** Bodies as objects of a bucket, which S3 lists in the order of their keys. The SDK's own retries fit: all is idempotent. */
export function s3BodyStore(client: Pick<S3Client, "send">, bucket: string): BodyStore {
  const prefix = "bodies/";
  return {
    async put(key, bytes) {
      await client
        .send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}${key}`, Body: bytes }))
        .catch((error: unknown) => {
          throw failed(bucket, "a large event body can't be stored", error);
        });
    },
    async get(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${key}` }));
        if (Body === undefined) throw new Error("an answer without a body");
        return { ok: true, value: await Body.transformToByteArray() };
      } catch (error) {
        if (!(error instanceof Error) || !ABOUT_THE_OBJECT.has(error.name)) {
          throw failed(bucket, `the body of a stored event can't be read from ${prefix}${key}`, error);
        }
        const problem = `the body can't be read from ${prefix}${key} of the bucket '${bucket}' (${told(error)})`;
        return { ok: false, problem };
      }
    },
    async expire(now, limit) {
      try {
        const MaxKeys = Math.min(limit, OBJECTS_PER_REQUEST);
        const { Contents = [] } = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys }),
        );
        const Objects = Contents.flatMap(({ Key }) =>
          Key !== undefined && hasExpired(Key.slice(prefix.length), now) ? [{ Key }] : [],
        );
        if (Objects.length === 0) return 0;
        const { Errors = [] } = await client.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        );
        return Objects.length - Errors.length;
      } catch (error) {
        throw failed(bucket, "expired event bodies can't be removed", error);
      }
    },
  };
}

function failed(bucket: string, what: string, error: unknown): TurnoutError {
  return new TurnoutError(
    "failed",
    `In the S3 bucket '${bucket}' ${what} (${told(error)}). Check that TURNOUT_BODY_BUCKET names the bucket, that its objects ` +
      "are removed by Turnout alone, and what these credentials may do there.",
    { cause: error },
  );
}

function told(error: unknown): string {
  const { name = "", message = String(error) } = error instanceof Error ? error : {};
  return message === "" || message === "UnknownError" ? name : `${name}: ${message}`;
}
