/** The event that a task was started with: in its environment, or where it is kept if it is too large for that. */
export async function eventOfTask({ TURNOUT_EVENT, TURNOUT_EVENT_S3 }: NodeJS.ProcessEnv): Promise<unknown> {
  if (TURNOUT_EVENT !== undefined) return JSON.parse(TURNOUT_EVENT);
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(TURNOUT_EVENT_S3 ?? "") ?? [];
  if (Bucket === undefined || Key === undefined)
    throw new Error("neither TURNOUT_EVENT nor TURNOUT_EVENT_S3 says what to build");
  // Only where a task has such an event; its image has the client.
  const { GetObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const { Body } = await new S3Client().send(new GetObjectCommand({ Bucket, Key }));
  return JSON.parse((await Body?.transformToString()) ?? "");
}
