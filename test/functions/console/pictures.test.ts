import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { percentText, perMinuteText } from "../../../functions/console/pictures/figure-text.ts";
import { histogramPicture } from "../../../functions/console/pictures/histogram-picture.ts";
import { metersPicture } from "../../../functions/console/pictures/meters-picture.ts";
import { progressPicture } from "../../../functions/console/pictures/progress-picture.ts";
import { ratesPicture } from "../../../functions/console/pictures/rates-picture.ts";
import { routesPicture } from "../../../functions/console/pictures/routes-picture.ts";
import { stepsPicture } from "../../../functions/console/pictures/steps-picture.ts";
import type { MetricVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { matchedRows } from "../../../shared/domain/replays/matched-rows.ts";
import { noCounts } from "../../../shared/domain/replays/replay.ts";
import type { ReleaseStep } from "../../../shared/domain/routing/release.ts";

const at = (time: string) => new Date(`2026-11-20T${time}Z`);
const window = { from: at("10:00:00"), to: at("10:15:00") };
const thresholds = { warnAt: 2.3, actAt: 3.3 };
const MINUTE_MS = 60_000;

/** What no picture may hold: numbers that are none, sizes below nothing, styles and scripts of its own. */
function problemsOf(markup: unknown): string[] {
  const text = String(markup);
  const sizes = [...text.matchAll(/ (?:x|y|width|height|x1|x2|y1|y2|r)="([^"]*)"/g)].map(([, size = ""]) => size);
  return [
    ...(/NaN|Infinity|undefined|\[object/.test(text) ? ["a value that is none"] : []),
    ...(/ style=|<style|<script| on\w+=/.test(text) ? ["a style or a script"] : []),
    ...sizes.filter((size) => !/^\d+(?:\.\d+)?%?$/.test(size)),
    ...sizes.filter((size) => size.endsWith("%") && Number.parseFloat(size) > 100),
  ];
}

const valuesOf = (markup: unknown, element: string, attribute: string) =>
  [...String(markup).matchAll(new RegExp(`<${element}[^>]* ${attribute}="([^"]*)"`, "g"))].map(([, value]) => value);

const hostile = '<script>alert("1")</script>&\'\u202e';
const anyCount = fc.record({
  minute: fc.integer({ min: -10, max: 30 }),
  firsts: fc.nat(1e9),
  part: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe("the picture of rates", () => {
  const version = (name: string, counts: [string, number, number][]) => ({
    version: name,
    aliases: ["stable"],
    counts: counts.map(([time, firsts, failed]) => ({ at: at(time), firsts, failed })),
  });

  it("has a row for each version, with a bar for each minute in which something was tried", () => {
    const drawn = ratesPicture("rates", window, [
      version("23", [
        ["10:00:00", 100, 0],
        ["10:07:00", 50, 0],
      ]),
      version("24", [["10:07:00", 4, 1]]),
    ]);
    const text = String(drawn);
    expect(text).toContain("23: 150 first attempts, 10.0/min; 0 % failed");
    expect(text).toContain("24: 4 first attempts, 0.3/min; 25.0 % failed");
    expect(valuesOf(drawn, 'rect class="bar"', "height")).toEqual(["34", "17", "34"]);
    expect(valuesOf(drawn, 'rect class="bar-bad"', "height")).toEqual(["8.5"]);
    // Seven of fifteen minutes on; one in four of a scale that ends at a half.
    expect(valuesOf(drawn, 'path class="line-bad"', "d")).toEqual(["M0 97H6.67M46.67 97H53.33", "M46.67 50H53.33"]);
  });

  it("says the same as a table, a row for each minute", () => {
    const text = String(ratesPicture("rates", window, [version("24", [["10:07:00", 4, 1]])]));
    expect(text.match(/<th scope="row">/g)).toHaveLength(15);
    expect(text).toContain('<th scope="row">10:07</th><td class="number">4</td><td class="number">1</td>');
  });

  it("says so where nothing was delivered, and draws nothing", () => {
    for (const none of [[], [version("24", [])], [version("24", [["10:07:00", 0, 0]])]]) {
      const text = String(ratesPicture("rates", window, none));
      expect(text).toContain("No deliveries in this window.");
      expect(text).not.toContain("<svg");
    }
  });

  it("shows texts as what they are", () => {
    const text = String(
      ratesPicture("rates", window, [{ ...version(hostile, [["10:07:00", 4, 1]]), aliases: [hostile] }]),
    );
    expect(text).not.toContain("<script");
    expect(text).toContain("&lt;script&gt;");
  });

  it("has only sizes that can be drawn, whatever was counted in whatever window", () => {
    const property = fc.property(
      fc.array(fc.array(anyCount, { maxLength: 40 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 60 * 24 * 60 }),
      (versions, minutes) => {
        const drawn = ratesPicture(
          "rates",
          { from: window.from, to: new Date(window.from.getTime() + minutes * MINUTE_MS) },
          versions.map((counts, n) => ({
            version: `${n}`,
            aliases: [],
            counts: counts.map(({ minute, firsts, part }) => ({
              at: new Date(window.from.getTime() + minute * MINUTE_MS),
              firsts,
              failed: Math.floor(firsts * part),
            })),
          })),
        );
        expect(problemsOf(drawn)).toEqual([]);
      },
    );
    fc.assert(property, { numRuns: 100 });
  });
});

describe("the picture of what a replay matches", () => {
  const twoMinutes = matchedRows(
    window,
    new Map([
      [at("10:01:00").getTime(), 10],
      [at("10:02:00").getTime(), 5],
    ]),
  );

  it("has a bar for each minute, of which the highest is as high as the picture", () => {
    const drawn = histogramPicture("matched", twoMinutes);
    expect(valuesOf(drawn, "rect", "height")).toEqual(["56", "28"]);
    expect(String(drawn)).toContain("15 matched, at most 10 per minute");
    expect(String(drawn)).not.toContain("bar-ahead");
  });

  it("tells those minutes apart that a replay under way has gone through", () => {
    const drawn = String(histogramPicture("matched", twoMinutes, at("10:02:00")));
    expect(drawn).toContain("15 matched, 10 of them gone through");
    expect(drawn.match(/bar-ahead/g)).toHaveLength(1);
    expect(String(histogramPicture("matched", twoMinutes, "all"))).not.toContain("bar-ahead");
  });

  it("says so where nothing matches", () => {
    expect(String(histogramPicture("matched", matchedRows(window, new Map())))).toContain(
      "Nothing in this window matches.",
    );
  });

  it("has only sizes that can be drawn", () => {
    const property = fc.property(
      fc.array(fc.tuple(fc.integer({ min: -5, max: 3_000 }), fc.nat(1e9))),
      fc.integer({ min: 1, max: 5_000 }),
      (matches, minutes) => {
        const perMinute = new Map(
          matches.map(([minute, count]) => [window.from.getTime() + minute * MINUTE_MS, count]),
        );
        const to = new Date(window.from.getTime() + minutes * MINUTE_MS);
        expect(problemsOf(histogramPicture("matched", matchedRows({ from: window.from, to }, perMinute)))).toEqual([]);
      },
    );
    fc.assert(property, { numRuns: 100 });
  });
});

describe("the picture of a replay's progress", () => {
  it("has a part for each state, and says how far it is", () => {
    const drawn = progressPicture(
      "progress",
      { ...noCounts(), sent: 60, done: 50, dead: 6, open: 4, skipped: { cancelled: 3 } },
      100,
      false,
    );
    expect(valuesOf(drawn, "rect", "width")).toEqual(["100%", "50%", "6%", "4%", "40%"]);
    expect(String(drawn)).toContain("60.0 % sent: 60 of 100");
    expect(String(drawn)).toContain("<dt>skipped</dt><dd>3</dd>");
    expect(String(drawn)).toContain("not sent yet</dt><dd>40</dd>");
  });

  it("has nothing to come in one that has ended", () => {
    const drawn = progressPicture("progress", { ...noCounts(), sent: 12, done: 12, skipped: {} }, 14, true);
    expect(String(drawn)).toContain("not sent</dt><dd>2</dd>");
  });

  it("says so where there is nothing to send", () => {
    expect(String(progressPicture("progress", noCounts(), 0, false))).toContain("nothing to send");
  });

  it("has only sizes that can be drawn, also where counts do not add up", () => {
    const property = fc.property(
      fc.nat(1e6),
      fc.nat(1e6),
      fc.nat(1e6),
      fc.nat(1e6),
      fc.nat(1e6),
      (sent, done, dead, open, planned) => {
        expect(
          problemsOf(progressPicture("progress", { ...noCounts(), sent, done, dead, open }, planned, false)),
        ).toEqual([]);
      },
    );
    fc.assert(property);
  });
});

describe("the picture of a guard's meters", () => {
  const metric = (about: Partial<MetricVerdict>): MetricVerdict => ({
    metric: "failed",
    own: { tried: 160, failed: 41 },
    stable: { tried: 900, failed: 4 },
    level: "ok",
    ...about,
  });

  it("shows both meters of each metric, and where they count", () => {
    const drawn = metersPicture(
      "meters",
      { metrics: [metric({ worseThanStable: 3, worseThanBefore: 12, level: "warn" })] },
      thresholds,
    );
    expect(valuesOf(drawn, 'rect class="meter-warn"', "width")).toEqual(["50%"]);
    expect(valuesOf(drawn, 'rect class="meter-act"', "width")).toEqual(["100%"]);
    expect(String(drawn)).toContain("failed, worse than stable now: 1,000 to 1");
    expect(String(drawn)).toContain("41 of 160 (25.6 %)");
  });

  it("says that a meter isn't known where there is nothing to compare with", () => {
    const text = String(metersPicture("meters", { metrics: [metric({})] }, thresholds));
    expect(text).toContain("failed, worse than before: not known");
    expect(String(metersPicture("meters", { metrics: [] }, thresholds))).toContain("has not looked yet");
  });

  it("has only sizes that can be drawn, whatever the evidence", () => {
    const evidence = fc.option(fc.oneof(fc.double(), fc.double({ min: -20, max: 20 })), { nil: undefined });
    const property = fc.property(evidence, evidence, (now, before) => {
      const known = {
        ...(now !== undefined && { worseThanStable: now }),
        ...(before !== undefined && { worseThanBefore: before }),
      };
      expect(problemsOf(metersPicture("meters", { metrics: [metric(known)] }, thresholds))).toEqual([]);
    });
    fc.assert(property);
  });
});

describe("the picture of a release's steps", () => {
  const steps: ReleaseStep[] = [
    { kind: "cohort", cohort: "staff" },
    { kind: "plan", plan: hostile },
    { kind: "share", basisPoints: 500 },
  ];
  const statesOf = (markup: unknown) =>
    [...String(markup).matchAll(/<span class="soft">([a-z ]+)<\/span>/g)].map(([, state]) => state);
  const release = { steps, version: "24", into: "stable", made: 2, own: [0, 1] };
  const said = { who: "ada", why: "fine", at: "2026-11-20T10:00:00.000Z" };

  it("shows what is made, where it stands and what is ahead, everybody last", () => {
    expect(statesOf(stepsPicture("steps", release))).toEqual(["made", "now", "ahead", "ahead"]);
    expect(statesOf(stepsPicture("steps", { ...release, made: 0 }))).toEqual(["ahead", "ahead", "ahead", "ahead"]);
    expect(String(stepsPicture("steps", release))).toContain("everybody: stable points at 24");
  });

  it("shows one that is done as made, and one that was taken back as that", () => {
    const ended = (how: "done" | "stopped") => ({ ...release, ended: { ...said, how } });
    expect(statesOf(stepsPicture("steps", ended("done")))).toEqual(["made", "made", "not made", "made"]);
    expect(statesOf(stepsPicture("steps", ended("stopped")))).toEqual([
      "taken back",
      "taken back",
      "not made",
      "not made",
    ]);
  });

  it("shows texts as what they are", () => {
    const drawn = stepsPicture("steps", release);
    expect(String(drawn)).not.toContain("<script");
    expect(problemsOf(drawn)).toEqual([]);
  });
});

describe("the picture of routes", () => {
  it("draws a line from each rule to its alias, and names what stands behind that", () => {
    const drawn = routesPicture(
      "routes",
      [
        { rule: "cohort route", who: "staff", alias: "experimental" },
        { rule: "plan pin", who: "free", alias: "experimental" },
        { rule: "default alias", who: "everybody else", alias: "stable" },
      ],
      new Map([["experimental", "24"]]),
    );
    expect(valuesOf(drawn, "path", "d")).toEqual([
      "M0 14C50 14 50 28 100 28",
      "M0 42C50 42 50 28 100 28",
      "M0 70C50 70 50 56 100 56",
    ]);
    expect(String(drawn)).toContain("<b>experimental</b> 24");
    expect(String(drawn)).toContain("<b>stable</b> no version");
  });

  it("says so where there are no rules, and shows texts as what they are", () => {
    expect(String(routesPicture("routes", [], new Map()))).toContain("No rules");
    const drawn = routesPicture(
      "routes",
      [{ rule: "plan pin", who: hostile, alias: hostile }],
      new Map([[hostile, hostile]]),
    );
    expect(String(drawn)).not.toContain("<script");
    expect(problemsOf(drawn)).toEqual([]);
  });
});

describe("figures in words", () => {
  it("says none only of none, and all only of all", () => {
    expect([
      percentText(0, 10),
      percentText(1, 1e6),
      percentText(1, 8),
      percentText(999_999, 1e6),
      percentText(3, 3),
    ]).toEqual(["0 %", "< 0.1 %", "12.5 %", "> 99.9 %", "100 %"]);
    expect([perMinuteText(0, 15), perMinuteText(1, 15), perMinuteText(1, 60), perMinuteText(3_000, 15)]).toEqual([
      "0",
      "< 0.1",
      "< 0.1",
      "200",
    ]);
  });
});
