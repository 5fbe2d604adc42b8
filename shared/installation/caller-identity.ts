import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";

/** Who asks, by AWS's own word, and how far this machine's clock is ahead of AWS's, in ms; less than 0: behind. */
export type CallerIdentity = { arn: string; account: string; clockAheadMs?: number };

/** @param now this machine's clock */
export async function callerIdentity(client: STSClient, now: () => Date): Promise<CallerIdentity> {
  let clockAheadMs: number | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const asked = now().getTime();
      const answered = await next(args);
      const { headers = {} } = answered.response as { headers?: Record<string, string> };
      const theirs = Date.parse(headers.date ?? "");
      // Theirs is cut to whole seconds, and was read somewhere between question and answer.
      if (!Number.isNaN(theirs)) clockAheadMs = Math.round((asked + now().getTime()) / 2 - (theirs + 500));
      return answered;
    },
    { step: "deserialize", priority: "low", name: "turnoutClock", override: true },
  );
  const { Arn = "", Account = "" } = await client.send(new GetCallerIdentityCommand({}));
  return { arn: Arn, account: Account, ...(clockAheadMs === undefined ? {} : { clockAheadMs }) };
}
