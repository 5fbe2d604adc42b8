import { expect, it } from "vitest";
import { deliveredKey } from "../../shared/domain/deliveries/delivered-event.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { readShardSchedule } from "../../shared/domain/deliveries/shard-schedule.ts";
import { type ReplayMode, replayModes } from "../../shared/domain/replays/replay.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { listEvents } from "../../shared/flows/explain/list-events.ts";
import { aComponent, anEvent, bodyOf } from "../support/builders.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { replayInstallation } from "../support/replay-on-dynamodb.ts";

const START = new Date("2026-11-20T10:00:00.000Z");
const WINDOW = { from: START, to: new Date(START.getTime() + 60_000) };

const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:mailer";
const mailer = aComponent({ name: "mailer", aliases: { stable: { target: { kind: "lambda", functionArn } } } });
const keyAt = (idempotencyKey: string): RoutingEdit => ({
  kind: "apply source",
  source: { source: "shop", idempotencyKey },
});

const orders = ["one", "two", "three"].map((id, n) => ({
  body: bodyOf(anEvent({ id: `event-${id}`, detail: { order: { id }, metadata: {} } })),
  sentAt: new Date(START.getTime() + n * 1_000),
}));

withDynamoDB("events rejected for their source's mapping", (endpoint) => {
  it.each<[ReplayMode, string]>(replayModes.map((mode) => [mode, mode === "finish" ? "live" : "replay-1"]))(
    "are delivered by a %s under their publisher's key once the mapping is right, in the generation '%s'",
    async (mode, generation) => {
      const shards = readShardSchedule("3");
      if (!shards.ok) throw new Error(shards.problem);
      const edits: RoutingEdit[] = [{ kind: "apply component", component: mailer }, keyAt("detail.order")];
      const { route, change, pass, start, untilEnded, invocations, events, now } = await replayInstallation(endpoint, {
        start: START,
        recordShards: shards.value,
        edits,
        versions: { stable: "22" },
        // The first attempt of each fails: whoever tries it again finds the event by the key that it has now.
        answer: ({ payload }) =>
          JSON.parse(payload).turnout.attempt > 1
            ? { executedVersion: "22" }
            : {
                functionError: "Unhandled",
                payload: { errorType: "Down", errorMessage: "no" },
                executedVersion: "22",
              },
      });
      const shown = async () => {
        const pages = await Array.fromAsync(listEvents({ events }, WINDOW, {}, now()));
        return pages.flat().map(({ record, entry, status }) => [record.id, entry?.generation, status]);
      };
      await route(orders);
      expect(invocations).toEqual([]);
      pass(600_000);
      await change(keyAt("detail.order.id"));
      await start({ window: WINDOW, mode, filter: { status: "unresolved" } });
      await untilEnded("replay-1");
      pass(600_000);
      expect(await shown()).toEqual(["one", "two", "three"].map((id) => [`event-${id}`, generation, "done"]));
      const sent = invocations.map(({ payload }) => JSON.parse(payload).turnout);
      expect(new Set(sent.map(({ publisherKey, idempotencyKey }) => `${publisherKey} ${idempotencyKey}`))).toEqual(
        new Set(
          ["one", "two", "three"].map(
            (id) => `${id} ${deliveredKey(eventKeyOf("shop", "order placed", id), generation)}`,
          ),
        ),
      );
    },
  );
});
