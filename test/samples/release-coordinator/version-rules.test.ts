import { describe, expect, test } from "vitest";
import { keptCommits } from "../../../functions/samples/release-coordinator/project-state.ts";
import { rule as version22 } from "../../../functions/samples/release-coordinator/version-22.ts";
import { rule as version23 } from "../../../functions/samples/release-coordinator/version-23.ts";
import { rule as version24 } from "../../../functions/samples/release-coordinator/version-24.ts";
import {
  aCheckRun,
  aCheckSuite,
  aDeploymentStatus,
  aPush,
  applyAll,
  noonPlus,
  shaOf,
  stateInMemory,
  type Webhook,
} from "./webhook-builders.ts";

const [a, b, c] = [shaOf("a"), shaOf("b"), shaOf("c")];

/** Where version 23's bug shows: of b's two check suites, one passes and the other fails. */
const halfPassed: Webhook[] = [
  aPush(a, 0),
  aCheckSuite(a, 1, "success", 11),
  aPush(b, 2),
  aCheckSuite(b, 3, "success", 21),
  aCheckSuite(b, 4, "failure", 22),
];

describe("version 22, stable", () => {
  test("releases the newest commit on the default branch if no checks were seen", () => {
    expect(applyAll(version22, [aPush(b, 2), aPush(a, 1)])).toMatchObject({
      release: b,
      why: "bbbbbbb: no checks seen",
    });
  });

  test("stays with the last good commit while a newer one's checks run, and when they fail", () => {
    const state = stateInMemory();
    const before = [aPush(a, 0), aCheckSuite(a, 1, "success"), aPush(b, 2), aCheckSuite(b, 3, null)];
    expect(applyAll(version22, before, state)).toMatchObject({ release: a, passedOver: [{ sha: b }] });
    expect(applyAll(version22, [aCheckSuite(b, 4, "failure")], state)).toMatchObject({ release: a, changed: false });
    expect(applyAll(version22, [aCheckSuite(b, 5, "success")], state)).toMatchObject({ release: b, changed: true });
  });

  test("waits for a check that GitHub announced before the push arrived", () => {
    expect(applyAll(version22, [aCheckRun(a, 1, null), aPush(a, 0)])).toMatchObject({
      release: null,
      why: "no commit is ready; the newest, aaaaaaa, waits for run:1/lint",
    });
  });

  test("does not count skipped and neutral checks as passed", () => {
    expect(applyAll(version22, [aPush(a, 0), aCheckRun(a, 1, "skipped")]).release).toBeNull();
  });

  test("never releases a commit that a forced push took off the branch", () => {
    const webhooks = [aPush(a, 0), aPush(b, 1, { forced: true }), aCheckSuite(b, 2, "failure")];
    expect(applyAll(version22, webhooks).release).toBeNull();
  });

  test("takes the older of two commits again when the branch is pushed back to it", () => {
    expect(applyAll(version22, [aPush(a, 0), aPush(b, 1), aPush(a, 2)]).release).toBe(a);
  });
});

describe("within one second, the finest time that GitHub gives", () => {
  const inBothOrders = (first: Webhook, second: Webhook) =>
    [
      [first, second],
      [second, first],
    ].map((two) => applyAll(version22, [aPush(a, 0), ...two]).release);

  test("a check that finished beats its start", () => {
    expect(inBothOrders(aCheckRun(a, 1, null), aCheckRun(a, 1, "success"))).toEqual([a, a]);
  });

  test("a check that failed beats one that passed", () => {
    expect(inBothOrders(aCheckRun(a, 1, "success"), aCheckRun(a, 1, "failure"))).toEqual([null, null]);
  });

  test("the same one of two pushes is the newer, whichever arrives first", () => {
    expect(inBothOrders(aPush(b, 1), aPush(c, 1))).toEqual([c, c]);
  });
});

describe("version 23, beta", () => {
  test("chooses as version 22 does where there are no check suites", () => {
    const webhooks = [aPush(a, 0), aPush(b, 1), aCheckRun(b, 2, "failure")];
    expect(applyAll(version23, webhooks).release).toBe(applyAll(version22, webhooks).release);
  });

  test("has the bug that one passed suite is enough: it releases b, where version 22 stays with a", () => {
    expect(applyAll(version22, halfPassed).release).toBe(a);
    expect(applyAll(version23, halfPassed)).toMatchObject({ release: b, why: "bbbbbbb: passed a check suite" });
  });

  test("is put right by handing any one of the events to version 22", () => {
    for (const webhook of halfPassed) {
      const state = stateInMemory();
      expect(applyAll(version23, halfPassed, state).release).toBe(b);
      expect(applyAll(version22, [webhook], state)).toMatchObject({ release: a, changed: true });
      expect(state.database.prepare("SELECT chosen_by_version FROM projects").get()).toEqual({
        chosen_by_version: "22",
      });
    }
  });
});

describe("version 24, experimental", () => {
  test("counts skipped and neutral checks as passed", () => {
    const webhooks = [aPush(a, 0), aCheckRun(a, 1, "skipped"), aCheckRun(a, 1, "neutral", "size")];
    expect(applyAll(version24, webhooks).release).toBe(a);
  });

  test("holds back a commit that is not staged yet, once the project stages its deployments", () => {
    const state = stateInMemory();
    expect(applyAll(version24, [aPush(a, 0)], state).release).toBe(a);
    expect(applyAll(version24, [aDeploymentStatus(a, 1, "success"), aPush(b, 2)], state).release).toBe(a);
    expect(applyAll(version24, [aDeploymentStatus(b, 3, "in_progress")], state).release).toBe(a);
    expect(applyAll(version24, [aDeploymentStatus(b, 4, "success")], state).release).toBe(b);
  });

  test("does not wait for a stage in a project that only deploys to production", () => {
    expect(applyAll(version24, [aPush(a, 0), aDeploymentStatus(a, 1, "success", "production")]).release).toBe(a);
  });

  test("keeps a commit that was staged although a later deployment made it inactive", () => {
    const webhooks = [aPush(a, 0), aDeploymentStatus(a, 1, "success"), aDeploymentStatus(a, 2, "inactive")];
    expect(applyAll(version24, webhooks).release).toBe(a);
  });

  test("explains the choice and what it passed over", () => {
    const webhooks = [
      aPush(a, 0),
      aDeploymentStatus(a, 1, "success"),
      aPush(b, 2),
      aPush(c, 3),
      aCheckRun(c, 4, "failure"),
    ];
    expect(version24.explain?.(applyAll(version24, webhooks))).toBe(
      "Released is aaaaaaa: no checks seen, deployed to staging. " +
        "ccccccc did not pass run:1/lint. bbbbbbb waits for a deployment before production.",
    );
  });
});

test("a project keeps no more than the newest commits, and the released one however old", () => {
  const state = stateInMemory();
  const number = (n: number) => n.toString(16).padStart(40, "e");
  const failing = Array.from({ length: keptCommits + 20 }, (_, n) => [
    aPush(number(n), n + 1),
    aCheckRun(number(n), n + 1, "failure"),
    aCheckRun(number(n + 1000), n + 1, null),
  ]).flat();
  expect(applyAll(version22, [aPush(a, 0), ...failing], state).release).toBe(a);
  const count = state.database.prepare("SELECT count(*) AS n, max(head_at_ms) AS newest FROM commits").get();
  expect(count).toEqual({ n: 2 * keptCommits + 1, newest: Date.parse(noonPlus(keptCommits + 20)) });
});
