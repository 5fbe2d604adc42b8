import type { Context } from "aws-lambda";
import { expect, it, onTestFinished, vi } from "vitest";
import { RECORD_LAG_MS } from "../../shared/domain/replays/replay-progress.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { anEvent, bodyOf } from "../support/builders.ts";
import { aCliOnAws, RC } from "../support/cli-on-aws.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";

const why = ["--reason", "a test", "--yes"];
const context = { getRemainingTimeInMillis: () => 900_000 } as Context;

withDynamoDB("the functions on AWS", (endpoint) => {
  /** An environment, of which this process has the variables as one of its functions does. */
  async function anEnvironment() {
    const opened = await aCliOnAws(endpoint);
    for (const [name, value] of Object.entries(opened.environment)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    return opened;
  }

  it("the move sweeper finishes what a crash has left of a move, by Lambda's own aliases", async () => {
    const { turnout, lambda, json } = await anEnvironment();
    lambda.fail("UpdateAlias", ...Array.from({ length: 6 }, () => ({ status: 500, errorType: "ServiceException" })));
    expect((await turnout(["alias", "set", RC, "stable", "2", ...why])).code).toBe(1);
    expect(lambda.aliasesOf(RC)).toMatchObject({ stable: "1" });
    const { handler } = await import("../../functions/on-aws/move-sweeper.ts");
    await handler({}, context);
    expect(lambda.aliasesOf(RC)).toMatchObject({ stable: "1" });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 120_000 });
    onTestFinished(() => void vi.useRealTimers());
    await handler({}, context);
    expect(lambda.aliasesOf(RC)).toMatchObject({ stable: "2" });
    expect((await json(["history"])).at(-1)).toMatchObject({ who: "turnout", move: { stage: "settled", to: "2" } });
  });

  it("the replayer drives a replay that the CLI has called it for, and waits for its second pass", async () => {
    const { turnout, lambda, table, store } = await anEnvironment();
    await routeBatch(
      withCounter({
        routing: routingCache(table),
        events: store,
        target: async () => ({ outcome: "done" as const, executedVersion: "1", durationMs: 1 }),
        now: () => new Date(),
        random: () => 0.5,
        newId: () => crypto.randomUUID(),
        delay: () => new Promise<void>((resolve) => setImmediate(resolve)),
        report: () => {},
        onError: (error) => expect.fail(String(error)),
      }),
      [{ messageId: "m", receiptHandle: "", body: bodyOf(anEvent()), sentAt: new Date(), receiveCount: 1 }],
    );
    await turnout(["replay", "start", "--since", "5m", "--name", "again", "--detach", ...why]);
    const { handler } = await import("../../functions/on-aws/replayer.ts");
    const [called] = lambda.invocations;
    const answer = await handler(called?.payload as { replay: string }, context);
    expect(answer.ended).toBe(false);
    // Nothing was under way: it looks again once all that was accepted before its start is recorded.
    expect(answer.waitSeconds).toBeGreaterThan(0);
    expect(answer.waitSeconds).toBeLessThanOrEqual(RECORD_LAG_MS / 1_000);
    expect(lambda.invocations[1]).toMatchObject({
      functionName: RC,
      type: "RequestResponse",
      payload: { turnout: { alias: "stable", generation: "again", replay: "again" } },
    });
    expect((await handler({}, context)).ended).toBe(false);
    expect(lambda.invocations).toHaveLength(2);
  });
});
