import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  applyOrderEvent,
  type OrderEvent,
  openOrders,
} from "../../../functions/samples/idempotent-consumer/order-state.ts";
import { anOrdersKey } from "../../support/builders.ts";
import { consumerContract } from "./consumer.contract.ts";

const NOW = new Date("2026-11-20T10:00:00.000Z");

function anOrderEvent(type: string, key = type, replay: string | null = null): OrderEvent {
  const idempotencyKey = anOrdersKey(key, replay ?? "live");
  return {
    "detail-type": type,
    detail: { order: "7" },
    turnout: { idempotencyKey, generation: replay ?? "live", replay },
  };
}

function orders() {
  const database = openOrders(":memory:");
  onTestFinished(() => database.close());
  return { apply: (event: OrderEvent) => applyOrderEvent(database, event, NOW), database };
}

describe("an order", () => {
  it("takes each step once, however often its event is delivered", () => {
    const { apply } = orders();
    expect(apply(anOrderEvent("order placed"))).toEqual({ outcome: "changed", state: "placed" });
    expect(apply(anOrderEvent("order paid"))).toEqual({ outcome: "changed", state: "paid" });
    expect(apply(anOrderEvent("order placed"))).toEqual({ outcome: "repeated", state: "paid" });
    expect(apply(anOrderEvent("order paid"))).toEqual({ outcome: "repeated", state: "paid" });
  });

  it("runs a replayed event again, and is none the worse for it", () => {
    const { apply } = orders();
    apply(anOrderEvent("order placed"));
    expect(apply(anOrderEvent("order placed", "order placed", "replay-1"))).toEqual({
      outcome: "unchanged",
      state: "placed",
    });
  });

  it("is put right by a replay of what went wrong", () => {
    const { apply, database } = orders();
    apply(anOrderEvent("order placed"));
    apply(anOrderEvent("order paid"));
    database.exec("UPDATE orders SET state = 'placed'");
    expect(apply(anOrderEvent("order paid", "order paid", "undo-1"))).toEqual({ outcome: "changed", state: "paid" });
  });

  it("ends the same whatever is delivered again in between", () => {
    const story = ["order placed", "order paid", "order shipped"];
    fc.assert(
      fc.property(fc.array(fc.nat(2), { maxLength: 12 }), (repeats) => {
        const { apply } = orders();
        for (const [index, type] of story.entries()) {
          apply(anOrderEvent(type));
          for (const repeat of repeats) if (repeat <= index) apply(anOrderEvent(story[repeat] ?? ""));
        }
        expect(apply(anOrderEvent("order placed")).state).toBe("shipped");
      }),
    );
  });
});

consumerContract("the state machine", async () => {
  const { apply } = orders();
  return async (event) => (apply(event).outcome === "repeated" ? "repeat" : "effect");
});
