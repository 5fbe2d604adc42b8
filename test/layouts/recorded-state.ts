import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";

/** A state folder as a file of this folder, and what the Turnout that made it read in it. */
export type RecordedState = { layout: number; at: string; read: object; files: Record<string, string> };

const fileOf = (layout: number) => fileURLToPath(new URL(`layout-${layout}.json.zst`, import.meta.url));

/** The layouts of which a state is recorded. */
export function recordedLayouts(): number[] {
  return readdirSync(dirname(fileOf(0)))
    .flatMap((name) => /^layout-(\d+)\.json\.zst$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

export function readRecorded(layout: number): RecordedState {
  const recorded = JSON.parse(zstdDecompressSync(readFileSync(fileOf(layout))).toString());
  const replays = JSON.parse(JSON.stringify(recorded.read.replays), byNamesOfNow);
  return { ...recorded, read: { ...recorded.read, replays } };
}

/** What fields of a replay are called now, by what they were called when it was recorded. */
const namesOfNow: Record<string, string> = { revision: "lock", target: "destination", targets: "versions" };

function byNamesOfNow(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [namesOfNow[name] ?? name, field]));
}

export function unpack({ files }: RecordedState, home: string): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), Buffer.from(content, "base64"));
  }
}

export function writeRecorded(home: string, about: Omit<RecordedState, "files">): string {
  const names = readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(home, join(entry.parentPath, entry.name)))
    .filter((name) => /^(state\.db$|bodies|versions)/.test(name))
    .sort();
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(home, name)).toString("base64")]));
  const text = JSON.stringify({ ...about, files } satisfies RecordedState);
  const params = { [constants.ZSTD_c_compressionLevel]: 19 };
  writeFileSync(fileOf(about.layout), zstdCompressSync(text, { params }));
  return fileOf(about.layout);
}

const ALWAYS = { from: new Date(0), to: new Date("9999-01-01T00:00:00Z") };

/** All that is in a state, as JSON has it; of bodies their hash. */
export async function allOf(state: EmbeddedState, now: Date): Promise<object> {
  const { routingTable, events, replays, catalog } = state;
  const records = (await Array.fromAsync(events.records(ALWAYS, now))).flat();
  const entries = await events.deliveriesOf([...new Set(records.map(({ eventKey }) => eventKey))]);
  const { components } = await routingTable.components();
  const names = components.map(({ name }) => name);
  const stored = {
    records: records.map(({ body, ...record }) => ({ ...record, body: sha256(body) })),
    deliveries: [...entries.values()].flat().sort(byKey),
    rows: await Array.fromAsync(routingTable.allRows()),
    changes: await routingTable.changesAfter(0, 10_000),
    replays: await replays.list(1_000),
    versions: await Promise.all(names.map((name) => catalog.versions(name))),
    aliases: await Promise.all(names.map((name) => catalog.aliases(name))),
    counts: (await events.counts(ALWAYS, "minute")).counts.flatMap(({ at: minute, component, version, outcomes }) =>
      [...outcomes].map(([outcome, count]) => ({ minute, component, version, outcome, count })),
    ),
    waiting: [await state.queue.depth(now), await state.deadLetters.depth(now), await state.outcomes.depth(now)],
  };
  return JSON.parse(JSON.stringify(stored));
}

function byKey(one: LedgerEntry, other: LedgerEntry): number {
  return one.deliveryKey < other.deliveryKey ? -1 : 1;
}
