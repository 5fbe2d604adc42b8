import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { consoleOnFirstUse, startToken } from "../embedded/open-console.ts";
import { countAll } from "./health-look.ts";
import { printBudget } from "./print-budget.ts";
import { applyComponent } from "./replay-scan.ts";
import { failSome, storeDeliveries } from "./stored-deliveries.ts";
import { benchWatchingTab } from "./watching-tab.ts";

const COMPONENT = "bench";
const DELIVERIES = 100_000;
const CUSTOMERS = 2_000;
const LOOKS = 20;
const BUDGET = { ms: 50, bytes: 60_000, scriptBytes: 10_000 };
const ORIGIN = "http://127.0.0.1:4599";

const screens = [
  "",
  `component?name=${COMPONENT}`,
  "stream",
  "stream?project=project-7&since=1h",
  "search?q=bench-1",
  "customers",
  "customer?customer=customer-7",
  "customer?project=project-7",
  "failures",
  `failures?component=${COMPONENT}`,
  "changes",
  "replays",
  "releases",
];

/** What costs more than a screen may, for whoever asks for it. */
const onDemand = [`failures?component=${COMPONENT}&compare=1000`];

type Look = { path: string; ms: number[]; cpuMs: number; bytes: number; gzip: number };

/** Server time and size of every screen, on an hour of deliveries; each looked at one after the other. */
export async function benchConsole(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const state = openEmbeddedState(home, { create: true });
  try {
    await fill(state);
    const app = await consoleOnFirstUse(state, { now: () => new Date(), onError: (error) => console.error(error) })();
    const signIn = await app.fetch(
      new Request(startToken(home, ORIGIN, new Date()), { headers: { host: "127.0.0.1:4599" } }),
    );
    const cookie = signIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const ask = (path: string) =>
      app.fetch(new Request(`${ORIGIN}/console/${path}`, { headers: { host: "127.0.0.1:4599", cookie } }));
    console.log(
      `The console's screens, ${DELIVERIES} deliveries of an hour, ${CUSTOMERS} customers, ${LOOKS} looks each`,
    );
    const looks: Look[] = [];
    for (const path of screens) looks.push(await lookAt(path, ask));
    for (const look of looks) tell(look, "");
    printBudget(
      `p95 ≤ ${BUDGET.ms} ms each`,
      looks.every(({ ms }) => quantile(ms, 0.95) <= BUDGET.ms),
    );
    printBudget(
      `≤ ${BUDGET.bytes / 1_000} KB each`,
      looks.every(({ bytes }) => bytes <= BUDGET.bytes),
    );
    await tellScripts(await (await ask("")).text(), ask);
    const [overview] = looks;
    const share = ((overview?.cpuMs ?? 0) / 2_000) * 100;
    console.log(`  a tab that watches the overview takes ${share.toFixed(2)} % of a core, a look every 2 s`);
    for (const path of onDemand) tell(await lookAt(path, ask), "on demand");
  } finally {
    state.close();
    rmSync(home, { recursive: true, force: true });
  }
  await benchWatchingTab();
}

function tell({ path, ms, cpuMs, bytes, gzip }: Look, note: string): void {
  const [p50, p95] = [quantile(ms, 0.5), quantile(ms, 0.95)].map((one) => `${one.toFixed(1)} ms`.padStart(9));
  const size = `${(bytes / 1_000).toFixed(1)} KB, gzip ${(gzip / 1_000).toFixed(1)}`;
  const about = note === "" ? "" : ` (${note})`;
  console.log(
    `  ${(path || "overview").padEnd(36)} p50 ${p50}, p95 ${p95}, CPU ${cpuMs.toFixed(1)} ms; ${size}${about}`,
  );
}

async function lookAt(path: string, ask: (path: string) => Response | Promise<Response>): Promise<Look> {
  const ms: number[] = [];
  let text = "";
  // The first loads code that all others have.
  await ask(path);
  const cpu = process.cpuUsage();
  for (let n = 0; n < LOOKS; n++) {
    const began = performance.now();
    const answer = await ask(path);
    text = await answer.text();
    ms.push(performance.now() - began);
    if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${text}`);
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    path,
    ms,
    cpuMs: (user + system) / 1_000 / LOOKS,
    bytes: Buffer.byteLength(text),
    gzip: gzipSync(text).byteLength,
  };
}

async function tellScripts(page: string, ask: (path: string) => Response | Promise<Response>): Promise<void> {
  const scripts = [...page.matchAll(/<script defer src="\/console\/([^"]*)"/g)].map(([, path = ""]) => path);
  let bytes = 0;
  for (const path of scripts) bytes += gzipSync(await (await ask(path)).text()).byteLength;
  console.log(`  scripts: ${(bytes / 1_000).toFixed(1)} KB gzip`);
  printBudget(`≤ ${BUDGET.scriptBytes / 1_000} KB`, bytes <= BUDGET.scriptBytes);
}

async function fill({ events, routingTable }: EmbeddedState): Promise<void> {
  const from = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000);
  const stored = { component: COMPONENT, source: "bench", records: DELIVERIES, from, everyMs: 3_600_000 / DELIVERIES };
  await applyComponent(routingTable, { name: COMPONENT, pattern: { source: ["bench"] }, aliases: { stable: {} } });
  for (let first = 0; first < CUSTOMERS; first += 50) {
    const rows = Array.from({ length: 50 }, (_, n) => ({
      key: `customer#customer-${first + n}` as const,
      row: { plan: n % 2 === 0 ? "pro" : "free", pins: {}, cohorts: [] },
    }));
    const said = { changeId: `fill-${first}`, who: "bench", why: "bench", command: "bench", at: new Date() };
    await changeRoutes(routingTable, { edit: { kind: "put rows", rows }, ...said });
  }
  await storeDeliveries(events, stored);
  await countAll(events, from, DELIVERIES);
  await failSome(events, stored);
}

function quantile(all: readonly number[], part: number): number {
  return all.toSorted((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * part))] ?? 0;
}
