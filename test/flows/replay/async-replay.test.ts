import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { statusOf } from "../../../shared/domain/replays/replay.ts";
import { arnBehind } from "../../../shared/domain/routing/target-address.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { takeOutcomes } from "../../../shared/flows/deliver/take-outcomes.ts";
import type { Send } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { aReplayer } from "../../support/replayer.ts";
import { turnoutOf } from "../../support/router.ts";

const invocation = { kind: "async", maxEventAgeMs: 60_000 } as const;
const component = aComponent({ name: "mailer", invocation, timeoutMs: 30_000, retry: { maxAttempts: 2 } });
const DEADLINE_MS = 60_000 + 30_000 + 5_000;

/** A replayer whose component takes events and says later what became of them; live ones are done. */
async function accepting(events: number) {
  const replayer = await aReplayer({
    components: [component],
    target: async () => ({ outcome: "accepted", durationMs: 1 }),
  });
  const { arrive, ports, events: store, start, sends } = replayer;
  const outcomes = { ...ports, events: store };
  let told = 0;
  /** What Lambda tells of an attempt. */
  const tell = (send: Send | undefined, errorType?: string) =>
    takeOutcomes(outcomes, [
      {
        messageId: `outcome-${++told}`,
        body: JSON.stringify({
          requestContext: {
            functionArn: arnBehind(send?.component ?? "", { kind: "worker" }),
            condition: errorType === undefined ? "Success" : "RetriesExhausted",
          },
          requestPayload: JSON.parse(send?.payload ?? "{}"),
          responseContext: { statusCode: 200, executedVersion: "22", ...(errorType && { functionError: "Unhandled" }) },
          responsePayload: errorType === undefined ? null : { errorType, errorMessage: "it broke" },
        }),
      },
    ]);
  await arrive(...Array.from({ length: events }, () => ({})));
  for (const send of sends) await tell(send);
  await start();
  return { ...replayer, tell, routing: ports, routeBatch };
}

const own = (entries: readonly LedgerEntry[]) => entries.filter(({ generation }) => generation === "replay-1");

describe("a replay of a component that answers later", () => {
  it("waits for the outcomes, and counts them", async () => {
    const { drive, tell, sends, time, run, replay } = await accepting(2);
    await drive();
    expect((await replay()).progress.counts).toMatchObject({ sent: 2, open: 2, done: 0 });
    await time.pass(5_000);
    await drive();
    expect(statusOf(await replay(), time.now())).toBe("waiting");
    await tell(sends[2]);
    await tell(sends[3]);
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ sent: 2, done: 2, dead: 0, open: 0 });
    expect(sends).toHaveLength(4);
  });

  it("tries one that failed again, in its own generation, and not by the sweeper", async () => {
    const { drive, tell, sends, time, run, ledger, events } = await accepting(1);
    await drive();
    await tell(sends[1], "TypeError");
    expect(own(await ledger())).toMatchObject([{ status: "failed", failures: 1 }]);
    expect(await events.due(new Date("2100-01-01"), 10)).toEqual([]);
    await time.pass(5_000);
    await drive();
    expect(turnoutOf(sends[2])).toMatchObject({ attempt: 2, generation: "replay-1" });
    await tell(sends[2], "TypeError");
    expect((await run()).progress.counts).toMatchObject({ sent: 1, dead: 1 });
  });

  it("tries one again whose outcome never comes, after its deadline", async () => {
    const { drive, tell, sends, time, run, ledger } = await accepting(1);
    await drive();
    await time.pass(DEADLINE_MS + 5_000);
    for (let turn = 0; turn < 20 && sends.length < 3; turn++) {
      await drive();
      await time.pass(5_000);
    }
    expect(turnoutOf(sends[2])).toMatchObject({ attempt: 2 });
    expect(own(await ledger())).toMatchObject([{ status: "accepted", lapses: 1 }]);
    await tell(sends[2]);
    expect((await run()).progress.counts).toMatchObject({ sent: 1, done: 1, open: 0 });
  });
});
