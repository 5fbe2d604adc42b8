import type { Mutation } from "./find-mutations.ts";

/** Mutations that change nothing that anybody could see: with the beginning of the line as it stands, and why. */
const EQUIVALENT: readonly { file: string; text: string; what: string; why: string }[] = [
  {
    file: "shared/domain/text/csv.ts",
    text: 'if (end < 0) return { problem: "a quote that is never closed" };',
    what: "end < 0 → end <= 0",
    why: "it is looked for behind a quote, so that it is never found at 0",
  },
  {
    file: "shared/domain/text/canonical-json.ts",
    text: "return NEEDS_ESCAPE.test(text)",
    what: "NEEDS_ESCAPE.test(text) → true",
    why: "it saves JSON.stringify, which writes a text without anything to escape the same way",
  },
  {
    file: "shared/domain/text/exact-json.ts",
    text: "return { ok: false, problem: `not JSON: ",
    what: "error instanceof Error → true",
    why: "JSON.parse throws nothing but errors",
  },
  {
    file: "shared/domain/text/json-items.ts",
    text: "for (let i = 0; i < array.length; i++) {",
    what: "i < array.length → i <= array.length",
    why: "behind the end there is no character that means anything",
  },
  {
    file: "shared/flows/deliver/claim-deliveries.ts",
    text: "return new Date(Math.max(0, ...claims.map(",
    what: "0 → 1",
    why: "it stands for no lease, and a millisecond after 1970 is as long ago",
  },
  {
    file: "shared/flows/deliver/route-batch.ts",
    text: "if (earlier === undefined || comesBackAt < earlier) ",
    what: "comesBackAt < earlier → comesBackAt <= earlier",
    why: "of two times that are the same it is the same which is kept",
  },
  {
    file: "shared/flows/deliver/route-message.ts",
    text: 'const message = { messageId, receiptHandle: "", body, receiveCount: 1, ',
    what: "1 → 2",
    why: "a record says nothing of how often its message was received",
  },
  {
    file: "shared/domain/deliveries/shard-schedule.ts",
    text: "const within = schedule.filter((count) => count.from > from ",
    what: "count.from > from → count.from >= from",
    why: "the number that is in force from then on is looked up besides",
  },
  {
    file: "shared/domain/deliveries/delivery-key.ts",
    text: 'return deliveryKey.split("#", 2)[1] ',
    what: "2 → 3",
    why: "it saves a part of the key that isn't looked at",
  },
  {
    file: "shared/domain/health/customer-verdict.ts",
    text: "return Object.entries(subjectOf(who)).every(",
    what: "every → some",
    why: "a key names one level alone",
  },
  {
    file: "shared/domain/health/trait.ts",
    text: 'else if (of === "because") filter.because = ',
    what: 'of === "because" → false',
    why: "what comes after it does the same, of another type",
  },
  {
    file: "shared/domain/health/delivery-tally.ts",
    text: "const next: Counting = { from, ",
    what: "false → true",
    why: "a span is begun for a delivery, which changes it at once",
  },
  {
    file: "shared/domain/health/rank-explanations.ts",
    text: ".filter(({ evidence }) => evidence >= least)",
    what: "evidence >= least → evidence > least",
    why: "a sum of logarithms is never just what the logarithm of the threshold is",
  },
  {
    file: "shared/domain/health/trait-index.ts",
    text: "if (field.arrayAt !== undefined) return;",
    what: "field.arrayAt !== undefined → false",
    why: "it saves a walk over fields that are marked already",
  },
  {
    file: "shared/domain/hash.ts",
    text: "let scratch = new Uint8Array(1024);",
    what: "1024 → 1025",
    why: "it is made larger where a text needs more",
  },
  {
    file: "shared/domain/hash.ts",
    text: "if (scratch.length < text.length * 3) ",
    what: "3 → 4",
    why: "a text needs at most three bytes for a character, and more room does no harm",
  },
  {
    file: "shared/flows/deliver/decide-batch.ts",
    text: "if (known.every(({ left }) => left.length === 0)) return",
    what: "known.every(({ left }) => left.length === 0) → false",
    why: "it saves a walk that leaves a batch without open deliveries as it is",
  },
  {
    file: "shared/flows/change/known-version.ts",
    text: 'if (wasThere(traceMoves(moves), move) === "shown") return "shown";',
    what: 'wasThere(traceMoves(moves), move) === "shown" → false',
    why: "it saves the pages before: what some of the log shows, all of it shows",
  },
  {
    file: "shared/flows/change/known-version.ts",
    text: 'if (kind !== "rollback") return kind;',
    what: 'kind !== "rollback" → false',
    why: "it saves a look into the log: of the other kinds a freeze and the guardrails think alike",
  },
  {
    file: "shared/flows/change/restore-routing.ts",
    text: 'if (key === "settings#guardrails") return 4;',
    what: "4 → 5",
    why: "it comes behind the others by either",
  },
  {
    file: "shared/flows/replay/make-page.ts",
    text: "const longestLeaseMs = deliveries.reduce(",
    what: "0 → 1",
    why: "it is only asked for where there are deliveries, and any lease is longer",
  },
  {
    file: "shared/flows/replay/make-page.ts",
    text: "return component === undefined ? undefined : lineOf(component, record);",
    what: "component === undefined → false",
    why: "what no component has is skipped for good, and neither waits nor is waited for",
  },
  {
    file: "shared/flows/cached-rows.ts",
    text: "if (largest === undefined) return;",
    what: "largest === undefined → false",
    why: "there are always maps of every kind, empty or not",
  },
  {
    file: "shared/flows/routing-cache.ts",
    text: "let usersHaveRows = false;",
    what: "false → true",
    why: "before anything is decided the components are read, and with them whether users have rows",
  },
  {
    file: "shared/flows/versions/kept-versions.ts",
    text: "if (version !== undefined) counts.set(version, ",
    what: "version !== undefined → true",
    why: "what no version has run is counted for none, and nobody asks for that",
  },
  {
    file: "shared/flows/versions/logged-aliases.ts",
    text: 'if (stage !== "intended") ended.add(intent);',
    what: 'stage !== "intended" → true',
    why: "an intention names no other entry",
  },
  {
    file: "shared/flows/versions/move-alias.ts",
    text: "let readUpTo = change.move.intent ?? 0;",
    what: "0 → 1",
    why: "what ends a move names the entry that intended it",
  },
  {
    file: "shared/flows/change/unreached-events.ts",
    text: "const event = reached.length === 0 ? undefined : readEvent(body);",
    what: "reached.length === 0 → false",
    why: "it saves reading an event that no component has",
  },
  {
    file: "shared/flows/change/preview-traffic.ts",
    text: "if (fresh.size === 0) return;",
    what: "fresh.size === 0 → false",
    why: "it saves a decision on nobody",
  },
  {
    file: "shared/flows/versions/move-alias.ts",
    text: "if (result.committed) return { ...change, revision: result.revision };",
    what: "result.committed → false",
    why: "it saves a look into the log, where the entry is found as well",
  },
  {
    file: "shared/flows/watch/act-on-trip.ts",
    text: "for (let after = revision; after < head; ",
    what: "after < head → after <= head",
    why: "behind the head there is no change to be read",
  },
];

export function isEquivalent({ file, text, what }: Mutation): boolean {
  return EQUIVALENT.some((known) => known.file === file && text.startsWith(known.text) && known.what === what);
}
