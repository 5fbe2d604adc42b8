import { DatabaseSync } from "node:sqlite";

/** What versions have done, by a store that is none of Turnout's and outlives whoever is killed. */
export type Effects = {
  /** Events with exactly one effect, with more, and runs that found their key's effect made. */
  count(): { once: number; more: number; runsBeyond: number };
  close(): void;
};

/** How a version finds the store, and makes an effect as consumers are told to: once for each key that it is delivered. */
export function effectCode(file: string): string {
  return `import { DatabaseSync } from "node:sqlite";
const effects = new DatabaseSync(${JSON.stringify(file)}, { timeout: 10_000 });
effects.exec("PRAGMA synchronous = OFF");
const run = effects.prepare("INSERT INTO runs (event) VALUES (?)");
const make = effects.prepare("INSERT INTO effects (key, event) VALUES (?, ?) ON CONFLICT DO NOTHING");
const makeEffect = (key, event) => {
  run.run(event);
  make.run(key, event);
};
`;
}

/** A store in which nothing is done yet. */
export function keyedEffects(file: string): Effects {
  const store = new DatabaseSync(file, { timeout: 10_000 });
  // What is written survives a kill of those who wrote it: only a machine that stops loses what isn't synchronized.
  store.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = OFF;
    CREATE TABLE effects (key TEXT PRIMARY KEY, event INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE runs (event INTEGER NOT NULL) STRICT;
  `);
  const counted = store.prepare(
    `SELECT count(*) FILTER (WHERE made = 1) AS once, count(*) FILTER (WHERE made > 1) AS more
     FROM (SELECT count(*) AS made FROM effects GROUP BY event)`,
  );
  const runs = store.prepare("SELECT (SELECT count(*) FROM runs) - (SELECT count(*) FROM effects) AS beyond");
  return {
    count() {
      const { once, more } = counted.get() ?? {};
      return { once: Number(once), more: Number(more), runsBeyond: Number(runs.get()?.beyond) };
    },
    close: () => store.close(),
  };
}
