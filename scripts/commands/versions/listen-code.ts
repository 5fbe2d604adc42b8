import { watch } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { VERSION_FILE } from "../../../shared/domain/text/version-file.ts";
import type { TakenItem } from "../../../shared/flows/listen/take-inbox.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { findWalls } from "../../../shared/targets/worker/host-walls.ts";
import { loadCode } from "../../../shared/targets/worker/load-code.ts";
import { workerTarget } from "../../../shared/targets/worker/worker-target.ts";
import { fileVersionLogs } from "../../../shared/version-logs/file-version-logs.ts";
import type { LogLine } from "../../../shared/version-logs/version-logs.ts";
import { unloadable } from "../../../shared/versions/unloadable-code.ts";
import type { NewCode } from "../../../shared/versions/version-catalog.ts";
import { entryOf } from "../../../shared/versions/version-entry.ts";
import { codeSha256, readCodeFolder } from "../../../shared/versions/version-folder.ts";
import { usage } from "../terminal/options.ts";

export type CodeOptions = {
  component: Component;
  /** What it is called as a version. */
  version: string;
  folder: string;
  handler?: string | undefined;
  /** Where a debugger may reach it, as `host:port`. */
  inspect?: string | undefined;
  /** Told when other code runs from now on, or why the code can't be loaded: then nothing is run until it can. */
  onSaved: (problem: Error | undefined) => void;
};

/** A developer's code, in a host as a published version has it. */
export type ListenCode = {
  entry: string;
  /** Events at once. */
  atOnce: number;
  /** Whether the code as it was saved last can be run. */
  isReady(): boolean;
  run(taken: TakenItem, requestId?: string): Promise<SendResult>;
  /** What it prints from now on. */
  printed(): AsyncIterable<LogLine>;
  /** Ends it and all that it runs. */
  close(): Promise<void>;
};

/** An editor writes several files, or one in several steps. */
const SETTLED_MS = 150;

/** At a breakpoint time stands still for the code. */
const INSPECTED_MS = 86_400_000;

/**
 * Runs the code that is in the folder, and that of every later state of it that can be loaded.
 * @throws TurnoutError when the folder is none, or what is in it can't be loaded
 */
export async function openCode(options: CodeOptions): Promise<ListenCode> {
  const { version, inspect, onSaved } = options;
  const component = inspect === undefined ? options.component : oneAtATime(options.component);
  const logs = await mkdtemp(join(tmpdir(), "turnout-listen-"));
  const walls = await findWalls();
  const hosting = (code: NewCode) =>
    workerTarget({
      resolve: () => code,
      logs,
      walls,
      inspect,
      now: () => new Date(),
      idleMs: INSPECTED_MS,
      graceMs: 0,
    });
  let code = await loaded(options, component).catch(async (error: unknown) => {
    await rm(logs, { recursive: true, force: true });
    throw error;
  });
  let host = hosting(code);
  let isReady = true;
  let isClosed = false;
  let saving: Promise<void> = Promise.resolve();

  async function takeSaved(): Promise<void> {
    await delay(SETTLED_MS);
    if (isClosed) return;
    try {
      const found = await readCode(options);
      if (found.codeSha256 === code.codeSha256 && isReady) return;
      // What comes meanwhile waits for what was just saved.
      isReady = false;
      const saved = await loaded(options, component);
      if (isClosed) return;
      await host.close();
      code = saved;
      host = hosting(code);
      isReady = true;
      onSaved(undefined);
    } catch (error) {
      isReady = false;
      if (!isClosed) onSaved(error instanceof Error ? error : new Error(String(error)));
    }
  }

  let isDirty = false;
  const watching = watch(code.folder, { recursive: true }, () => {
    if (isDirty) return;
    isDirty = true;
    saving = saving.then(() => {
      isDirty = false;
      return takeSaved();
    });
  });
  watching.on("error", (error) => onSaved(new Error(`saved files aren't seen any more: ${error.message}`)));

  return {
    entry: code.handler,
    atOnce: component.worker.concurrency,
    isReady: () => isReady,
    run: ({ item, record, payload }, requestId = item.requestId) =>
      host.send({
        component: component.name,
        alias: version,
        address: { kind: "worker" },
        invocation: { kind: "sync" },
        worker: component.worker,
        subject: item.turnout.subject,
        payload,
        idempotencyKey: item.turnout.idempotencyKey,
        lapses: 0,
        requestId,
        of: { eventId: record.id, attempt: item.turnout.attempt },
        timeoutMs: inspect === undefined ? item.timeoutMs : INSPECTED_MS,
        latestStart: new Date(8.64e15),
      }),
    printed: () =>
      fileVersionLogs(logs, (ms) => delay(ms, undefined, { ref: false })).follow(
        { component: component.name },
        new Date(),
      ),
    async close() {
      isClosed = true;
      watching.close();
      await saving;
      await host.close();
      await rm(logs, { recursive: true, force: true });
    },
  };
}

/** A debugger that stops one thread is not to find the others running on. */
function oneAtATime(component: Component): Component {
  return { ...component, worker: { ...component.worker, concurrency: 1 } };
}

async function readCode({ component, version, folder, handler, inspect }: CodeOptions): Promise<NewCode> {
  const found = await readCodeFolder(folder);
  const entry = await entryOf(found, handler);
  if (inspect !== undefined && entry === VERSION_FILE) {
    throw usage(`--inspect is for JavaScript; ${folder} has a ${VERSION_FILE} that names a command of its own.`);
  }
  const sha = await codeSha256(found, entry);
  return { component: component.name, version, folder: found.path, handler: entry, codeSha256: sha };
}

async function loaded(options: CodeOptions, { worker }: Component): Promise<NewCode> {
  const code = await readCode(options);
  const problem = await loadCode(code, worker);
  if (problem !== undefined) throw unloadable(options.folder, problem, "Nothing is run.");
  return code;
}
