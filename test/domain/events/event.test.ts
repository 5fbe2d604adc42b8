import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { BusEvent, EventSource, MAX_EVENT_DEPTH, readEvent, readFacts } from "../../../shared/domain/events/event.ts";
import { MAX_DETAIL_DEPTH } from "../../../shared/domain/events/event-entry.ts";
import { SubjectId } from "../../../shared/domain/subject.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { anEvent, bodyOf } from "../../support/builders.ts";

/** What may stand where a text of at most 256 or 1,024 characters is asked for. */
const anyField = fc.oneof(
  fc.constantFrom("a", "", "a\nb", "half \ud83d", null, undefined, 7, true, [], {}),
  fc
    .tuple(fc.constantFrom("x", "é", "東", "👍"), fc.constantFrom(1, 256, 257, 341, 342, 512, 1_024, 1_025))
    .map(([character, length]) => character.repeat(length)),
  fc.string({ unit: "binary" }),
  fc.jsonValue({ maxDepth: 1 }),
);

const refused = (problem: string) => ({ ok: false, problem: expect.stringContaining(problem) });

describe("readEvent", () => {
  it("reads an event in EventBridge's envelope and keeps the fields it has no name for", () => {
    const event = { ...anEvent(), account: "123456789012", region: "eu-central-1", resources: ["arn:aws:s3:::b"] };
    expect(readEvent(JSON.stringify(event))).toEqual({ ok: true, value: event });
  });

  it("takes a version of 0 for granted", () => {
    const { version: _, ...event } = anEvent();
    expect(readEvent(JSON.stringify(event))).toMatchObject({ ok: true, value: { version: "0" } });
  });

  it.each(["2026-11-20T10:00:00Z", "2026-11-20T10:00:00.123456Z", "2026-11-20T11:00:00+01:00", "2026-11-20t10:00:00z"])(
    "takes the time %s",
    (time) => {
      expect(readEvent(bodyOf(anEvent({ time }))).ok).toBe(true);
    },
  );

  it.each([
    ["", "not JSON"],
    ["{", "not JSON"],
    ['{"id":"a"', "not JSON"],
    ["hello", "not JSON"],
    ["null", "expected an object"],
    ["[]", "expected an object"],
    ['"text"', "expected an object"],
    ["{}", "id: it is missing"],
    ["{}", "source: it is missing"],
    ["{}", "detail-type: it is missing"],
    ["{}", "time: it is missing"],
    ["{}", "detail: expected an object"],
  ])("refuses %s, naming %s", (body, problem) => {
    expect(readEvent(body)).toEqual(refused(problem));
  });

  it.each([
    [{ id: 1 }, "id: expected text"],
    [{ id: "" }, "id: "],
    [{ id: "x".repeat(257) }, "id: "],
    [{ source: "" }, "source: "],
    [{ source: null }, "source: expected text"],
    [{ "detail-type": "x".repeat(257) }, "detail-type: "],
    [{ time: "1" }, "time: expected a time such as 2026-11-20T10:00:00Z"],
    [{ time: "2026-11-20" }, "time: "],
    [{ time: "2026-11-20T10:00:00" }, "time: "],
    [{ time: "2026-13-20T10:00:00Z" }, "time: "],
    [{ time: 1_795_168_800 }, "time: "],
    [{ detail: null }, "detail: expected an object"],
    [{ detail: [] }, "detail: expected an object"],
    [{ detail: "{}" }, "detail: expected an object"],
    [{ version: 0 }, "version: expected text"],
  ])("refuses an event with %j", (wrong, problem) => {
    expect(readEvent(JSON.stringify({ ...anEvent(), ...wrong }))).toEqual(refused(problem));
  });

  it("keeps the detail as it is, fields named __proto__ and constructor included", () => {
    const detail = '{"__proto__":{"customer":"evil"},"constructor":1,"a":{"__proto__":2}}';
    const event = readEvent(bodyOf(anEvent()).replace('"detail":{}', `"detail":${detail}`));
    if (!event.ok) throw new Error(event.problem);
    expect(JSON.stringify(event.value.detail)).toBe(detail);
    expect(event.value.detail.customer).toBeUndefined();
  });

  it("keeps any detail that JSON has", () => {
    const anyDetail = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(anyDetail, (detail) => {
        const body = bodyOf({ ...anEvent(), detail });
        expect(readEvent(body)).toEqual({ ok: true, value: JSON.parse(body) });
      }),
    );
  });

  it("takes and refuses what the schema does, and in the same words", () => {
    const name = fc.constantFrom("version", "id", "source", "detail-type", "time", "detail", "__proto__", "more");
    const times = fc.constantFrom("2026-11-20T10:00:00Z", "2026-13-20T10:00:00Z", "2026-11-20", "1");
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(anyField, times), { maxKeys: 3 }), (fields) => {
        const body = `{${[anEvent(), fields]
          .map((each) => JSON.stringify(each).slice(1, -1))
          .filter(Boolean)
          .join()}}`;
        expect(readEvent(body)).toStrictEqual(read(BusEvent, JSON.parse(body)));
      }),
      { numRuns: 500 },
    );
  });

  it("never throws, whatever the body is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(readEvent(body).ok).toBe(false);
      }),
    );
  });

  const nested = (levels: number) =>
    bodyOf(anEvent()).replace('"detail":{}', `"detail":{"a":${"[".repeat(levels - 2)}${"]".repeat(levels - 2)}}`);

  it("takes a detail that is nested as deep as EventBridge allows", () => {
    expect(MAX_EVENT_DEPTH).toBe(MAX_DETAIL_DEPTH + 1);
    expect(readEvent(nested(MAX_EVENT_DEPTH)).ok).toBe(true);
  });

  it.each([MAX_EVENT_DEPTH + 1, 10_000, 400_000])("refuses one that is nested %i levels deep", (levels) => {
    expect(readEvent(nested(levels))).toEqual(refused("nested deeper than 1001 levels"));
  });
});

describe("readFacts", () => {
  const paths: EventSource = {
    source: "shop",
    idempotencyKey: "detail.order.id",
    project: "detail.project",
    customer: "detail.account.name",
    plan: "detail.account.plan",
    user: "detail.by",
  };
  const detail = { order: { id: "o-1" }, project: "p", account: { name: "acme", plan: "paid" }, by: "ada" };
  const fromPaths = { idempotencyKey: "o-1", subject: { project: "p", customer: "acme", plan: "paid", user: "ada" } };

  it("takes the event's id for a key and nobody for a subject when there is nothing else", () => {
    expect(readFacts(anEvent({ id: "e-7", detail }), undefined)).toStrictEqual({
      ok: true,
      value: { idempotencyKey: "e-7", subject: {} },
    });
  });

  it("takes key and subject from the source's paths", () => {
    expect(readFacts(anEvent({ detail }), paths)).toStrictEqual({ ok: true, value: fromPaths });
  });

  it.each(["idempotencyKey", "project", "customer", "plan", "user"] as const)(
    "takes %s from the metadata before the path",
    (field) => {
      const { idempotencyKey, subject } = fromPaths;
      const { idempotencyKey: key, ...said } = { idempotencyKey, ...subject, [field]: "stated" };
      expect(readFacts(anEvent({ detail, [field]: "stated" }), paths)).toStrictEqual({
        ok: true,
        value: { idempotencyKey: key, subject: said },
      });
    },
  );

  it("doesn't look at a path whose field the metadata has", () => {
    const broken = { ...detail, account: { name: ["acme"], plan: "paid" } };
    expect(readFacts(anEvent({ detail: broken, customer: "acme" }), paths)).toMatchObject({ ok: true });
  });

  it("leaves a 'replay' in the metadata that isn't text to its publisher", () => {
    const facts = readFacts(anEvent({ metadata: { replay: true } }), undefined);
    expect(facts).toMatchObject({ ok: true });
    expect(facts.ok && facts.value).not.toHaveProperty("causedByReplay");
  });

  it("reports an alias that the event asks for, and hands on flow, traceparent and the replay that caused it", () => {
    const metadata = { alias: "experimental", flow: "f-1", traceparent: "00-1-2-01", replay: "undo-1", note: "theirs" };
    expect(readFacts(anEvent({ metadata }), undefined)).toStrictEqual({
      ok: true,
      value: {
        idempotencyKey: "event-1",
        subject: {},
        flow: "f-1",
        traceparent: "00-1-2-01",
        causedByReplay: "undo-1",
        ignoredAlias: "experimental",
      },
    });
  });

  it.each([null, "", 7, ["e"], {}, "x".repeat(1_025)])(
    "takes %j for no id that the event had before",
    (turnoutEventId) => {
      const facts = readFacts(anEvent({ id: "e-7", metadata: { turnoutEventId } }), undefined);
      expect(facts).toStrictEqual({ ok: true, value: { idempotencyKey: "e-7", subject: {} } });
    },
  );

  it.each([null, "v1", 7, true, ["a"]])("leaves metadata alone that is %j: it is the publisher's own", (metadata) => {
    expect(readFacts({ ...anEvent(), detail: { metadata } }, undefined)).toMatchObject({ ok: true });
  });

  it("takes null for nothing said, in metadata and at a path", () => {
    const nothing = { metadata: { customer: null, idempotencyKey: null }, account: { name: null }, order: null };
    expect(readFacts({ ...anEvent({ id: "e-7" }), detail: nothing }, paths)).toStrictEqual({
      ok: true,
      value: { idempotencyKey: "e-7", subject: {} },
    });
  });

  it.each([
    ["42", 42],
    ["-1", -1],
    ["0", -0],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("makes the text %s of a whole number at a path", (text, number) => {
    const found = readFacts(anEvent({ detail: { account: { name: number }, order: { id: number } } }), paths);
    expect(found).toMatchObject({ ok: true, value: { idempotencyKey: text, subject: { customer: text } } });
  });

  it.each([
    [2 ** 64, "found 18446744073709552000"],
    [1.5, "found 1.5"],
    [true, "found true"],
    [["acme"], "found an array"],
    [{ id: 1 }, "found an object"],
  ])("refuses %j at a path and names the path", (value, found) => {
    expect(readFacts(anEvent({ detail: { account: { name: value } } }), paths)).toEqual({
      ok: false,
      problem: `detail.account.name: expected text or a whole number for customer, ${found}`,
    });
  });

  const longId = "x".repeat(2_048);
  const badIds: [string, string][] = [
    ["", "empty"],
    [longId, "1024 bytes"],
    ["half \ud83d", "half a surrogate"],
    ["a\nb", "control characters"],
    ["\u007f", "control characters"],
  ];
  it.each(badIds)("refuses %j as a customer at a path", (name, problem) => {
    expect(readFacts(anEvent({ detail: { account: { name } } }), paths)).toEqual(refused(problem));
    expect(readFacts(anEvent({ detail: { account: { name } } }), paths)).toEqual(refused("detail.account.name: "));
  });

  it.each(badIds)("refuses %j as a customer in the metadata", (customer, problem) => {
    expect(readFacts(anEvent({ customer }), undefined)).toEqual(refused(problem));
    expect(readFacts(anEvent({ customer }), undefined)).toEqual(refused("detail.metadata.customer: "));
  });

  it.each([
    [{ customer: 42 }, "detail.metadata.customer: expected text, not a number"],
    [{ project: ["p"] }, "detail.metadata.project: expected text, not a list"],
    [{ plan: {} }, "detail.metadata.plan: expected text, not an object"],
    [{ idempotencyKey: 7 }, "detail.metadata.idempotencyKey: expected text, not a number"],
    [{ idempotencyKey: "" }, "detail.metadata.idempotencyKey: "],
    [{ idempotencyKey: longId }, "detail.metadata.idempotencyKey: "],
    [{ flow: 1 }, "detail.metadata.flow: expected text"],
  ])("refuses the metadata %j", (metadata, problem) => {
    expect(readFacts(anEvent({ metadata }), undefined)).toEqual(refused(problem));
  });

  it.each(["acme/site", "acme#1", "with space", "Ærø ☕ 東京", "constructor", "__proto__", "👍".repeat(256)])(
    "takes the id %j as it is, from metadata and from a path",
    (id) => {
      const said = { ok: true, value: { subject: { customer: id } } };
      expect(readFacts(anEvent({ customer: id }), undefined)).toMatchObject(said);
      expect(readFacts(anEvent({ detail: { account: { name: id } } }), paths)).toMatchObject(said);
    },
  );

  it.each(["detail.constructor.name", "detail.__proto__.customer", "detail.account.name.length", "detail.toString"])(
    "finds nothing at %s in an event that has nothing there",
    (customer) => {
      expect(readFacts(anEvent({ detail: { account: { name: "acme" } } }), { source: "shop", customer })).toMatchObject(
        {
          ok: true,
          value: { subject: {} },
        },
      );
    },
  );

  it("follows a path through keys named __proto__ and into lists", () => {
    const event = { ...anEvent(), detail: JSON.parse('{"__proto__":{"id":"p-1"},"owners":[{"name":"acme"}]}') };
    const source = { source: "shop", project: "detail.__proto__.id", customer: "detail.owners.0.name" };
    expect(readFacts(event, source)).toMatchObject({
      ok: true,
      value: { subject: { project: "p-1", customer: "acme" } },
    });
  });

  it("gives nobody a subject through a __proto__ in the metadata", () => {
    const event = { ...anEvent(), detail: JSON.parse('{"metadata":{"__proto__":{"customer":"evil"}}}') };
    expect(readFacts(event, undefined)).toStrictEqual({ ok: true, value: { idempotencyKey: "event-1", subject: {} } });
  });

  it("takes and refuses a field of the metadata as its own schema does, and in the same words", () => {
    const schemas = {
      idempotencyKey: z.string().check(z.minLength(1), z.maxLength(1_024)),
      project: SubjectId,
      customer: SubjectId,
      plan: SubjectId,
      user: SubjectId,
      flow: z.string(),
      traceparent: z.string(),
    };
    fc.assert(
      fc.property(fc.constantFrom(...(Object.keys(schemas) as (keyof typeof schemas)[])), anyField, (name, said) => {
        const facts = readFacts(anEvent({ metadata: { [name]: said } }), undefined);
        const field = read<string>(schemas[name], said ?? "nothing", `detail.metadata.${name}`);
        if (!field.ok) {
          expect(facts).toStrictEqual(field);
          return;
        }
        expect(facts.ok && { ...facts.value, ...facts.value.subject }[name]).toBe(
          said ?? (name === "idempotencyKey" ? "event-1" : undefined),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("never throws on an event that was read, whatever its metadata and detail are", () => {
    const name = fc.constantFrom("customer", "order", "id", "account", "name", "alias", "project", "by", "x");
    const metadata = fc.oneof(fc.jsonValue(), fc.dictionary(name, fc.jsonValue({ maxDepth: 1 })));
    const anyDetail = fc.dictionary(name, fc.oneof(fc.jsonValue(), fc.dictionary(name, fc.jsonValue())));
    fc.assert(
      fc.property(anyDetail, metadata, (said, stated) => {
        const event = readEvent(bodyOf({ ...anEvent(), detail: { ...said, metadata: stated } }));
        if (!event.ok) throw new Error(event.problem);
        const facts = readFacts(event.value, paths);
        expect(facts).toMatchObject(facts.ok ? { value: { idempotencyKey: expect.any(String) } } : refused("detail."));
      }),
    );
  });
});

describe("an event source", () => {
  it.each(["detail.a", "detail.repository.full_name", "detail.owners.0.name", "detail.with space.ü"])(
    "can have the path %s",
    (path) => {
      expect(read(EventSource, { source: "shop", customer: path }).ok).toBe(true);
    },
  );

  it.each(["detail", "detail.", "detail..a", "$.detail.a", "a.b", "source", ""])("refuses the path %j", (path) => {
    expect(read(EventSource, { source: "shop", customer: path })).toEqual(refused("customer: expected a path"));
  });

  it("refuses a field that it doesn't know", () => {
    expect(read(EventSource, { source: "shop", custmer: "detail.a" })).toEqual(refused("custmer"));
  });
});
