import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../shared/flows/deliver/router-ports.ts";
import { headOf, lanesOf, lineOf, pageLanes } from "../../../shared/flows/replay/page-lanes.ts";
import { simulatedTime } from "../../simulation/simulated-time.ts";
import { aClaimRequest } from "../../support/builders.ts";
import { aRecord } from "../../support/stored-events.ts";

const at = (time: ReturnType<typeof simulatedTime>, ms: number) => new Date(time.now().getTime() + ms);

function delivery(id: string, subject: { project?: string; customer?: string }, component = "mailer"): Delivery {
  const routed = { record: aRecord({ id, subject }) } as Delivery["routed"];
  return { routed, request: aClaimRequest({ component, idempotencyKey: id }), route: {} as Delivery["route"] };
}
const idsIn = (lanes: Delivery[][]) => lanes.map((lane) => lane.map(({ routed }) => routed.record.id));

/** Lanes of one project each, with so many deliveries. */
function lanes(...counts: number[]) {
  const time = simulatedTime();
  const first = counts.map((count, n) => Array.from({ length: count }, (_, m) => delivery(`${n}-${m}`, {})));
  return { time, first, page: pageLanes(time.delay, [...first]) };
}

describe("the lines of a page", () => {
  it("are of one project at one component, else of one customer, else of each event", () => {
    const all = [
      delivery("1", { project: "site", customer: "acme" }),
      delivery("2", { customer: "acme" }),
      delivery("3", { project: "site", customer: "globex" }),
      delivery("4", { customer: "acme" }),
      delivery("5", {}),
      delivery("6", {}),
      delivery("7", { project: "site" }, "invoice"),
    ];
    expect(idsIn(lanesOf(all))).toEqual([["1", "3"], ["2", "4"], ["5"], ["6"], ["7"]]);
  });

  it("keep an event that came twice in one, whatever it says the second time", () => {
    const [first, again] = [delivery("1", { project: "site" }), delivery("1", { project: "api" })];
    expect(idsIn(lanesOf([first, delivery("2", { project: "api" }), again]))).toEqual([["1", "1"], ["2"]]);
  });

  it("tell a project from a customer of its name, and none where neither is known", () => {
    const line = (subject: { project?: string; customer?: string }) => lineOf("mailer", aRecord({ subject }));
    expect(line({})).toBeUndefined();
    expect(line({ project: "a" })).toBe(line({ project: "a", customer: "b" }));
    expect(new Set([line({ project: "a" }), line({ customer: "a" }), line({ customer: "b" })]).size).toBe(3);
  });
});

describe("the lanes of a page", () => {
  it("set out with their first delivery, and again with the next when that is done", () => {
    const { page, first } = lanes(2, 1);
    expect([page.ready(), page.inFlight(), page.isWaiting()]).toEqual([2, 0, false]);
    const [one] = page.setOut(1);
    expect([page.ready(), page.inFlight()]).toEqual([1, 1]);
    expect(one).toBe(first[0]);
    page.next(one ?? []);
    expect([page.ready(), page.inFlight(), one?.length]).toEqual([2, 0, 1]);
    const [, again] = page.setOut(2);
    page.next(again ?? []);
    expect([page.ready(), page.inFlight(), again?.length]).toEqual([0, 1, 0]);
  });

  it("that are held up set out no more", () => {
    const { page } = lanes(3);
    const [one] = page.setOut(1);
    page.hold(one ?? []);
    expect([page.ready(), page.inFlight(), one]).toEqual([0, 0, []]);
  });

  it("that go back are ready again after a while, for as long as somebody waits for them", async () => {
    const { page, time } = lanes(1, 1);
    const [one, two] = page.setOut(2);
    void page.goBack(one ?? [], 1_000);
    expect([page.ready(), page.inFlight(), page.isWaiting()]).toEqual([0, 1, true]);
    expect(page.isPatient(at(time, 0))).toBe(true);
    await time.pass(1_000);
    expect([page.ready(), page.isWaiting()]).toEqual([1, false]);
    void page.goBack(two ?? [], 1_000, at(time, 500));
    expect([page.isPatient(at(time, 499)), page.isPatient(at(time, 500))]).toEqual([false, true]);
    expect(page.leaveWaiting()).toEqual([two]);
    expect([page.isWaiting(), page.leaveWaiting()]).toEqual([false, []]);
    await time.pass(1_000);
    expect([page.ready(), page.inFlight()]).toEqual([1, 0]);
  });

  it("whose delivery comes back are on their way again, for as long as somebody waits for them", async () => {
    const { page, time } = lanes(1, 1);
    const [one, two] = page.setOut(2);
    const [back, left] = [page.comesBack(one ?? [], 100, at(time, 100)), page.comesBack(two ?? [], 200, at(time, 200))];
    expect(page.inFlight()).toBe(0);
    await time.pass(100);
    expect([await back, page.inFlight()]).toEqual([true, 1]);
    page.leaveWaiting();
    await time.pass(100);
    expect([await left, page.inFlight()]).toEqual([false, 1]);
  });

  it("that stop set out no more, and who waits for a move is told of each", async () => {
    const { page, time } = lanes(2, 1);
    const [one] = page.setOut(1);
    let moves = 0;
    const moved = () => void page.moved().then(() => moves++);
    moved();
    page.next(one ?? []);
    await time.pass(0);
    expect(moves).toBe(1);
    page.stop();
    expect(page.ready()).toBe(0);
  });

  it("without a delivery have no first one, which is a mistake", () => {
    expect(() => headOf([])).toThrow("an empty lane");
  });
});
