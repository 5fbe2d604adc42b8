import { expect, it } from "vitest";
import { patternDoubts } from "../../../shared/domain/events/pattern-doubts.ts";

it.each(["detailType", "DetailType", "detail_type", "type"])("patternDoubts takes %s for detail-type", (name) => {
  expect(patternDoubts({ source: ["shop"], [name]: ["push"] })).toEqual([
    `the pattern asks for a field '${name}', which EventBridge's events don't have; is 'detail-type' meant?`,
  ]);
});

it("patternDoubts looks into $or, and names each field once", () => {
  expect(patternDoubts({ $or: [{ colour: ["red"] }, { colour: ["blue"], detail: { colour: ["x"] } }] })).toEqual([
    "the pattern asks for a field 'colour', which EventBridge's events don't have",
  ]);
});

it("patternDoubts has nothing to say of the envelope's own fields, nor of what is in the detail", () => {
  const detail = { detailType: ["x"], $or: [{ a: [1] }, { b: [1] }] };
  const envelope = { source: ["a"], "detail-type": ["b"], account: ["c"], region: ["d"], resources: ["e"], id: ["f"] };
  expect(patternDoubts({ ...envelope, time: ["g"], version: ["0"], detail })).toEqual([]);
});
