import { Worker } from "node:worker_threads";

/**
 * Runs the body of an async function on a thread of its own, with connections of its own: to SQLite it is another
 * process. `data` is what it gets, and `load("shared/…")` imports a file of this repository.
 */
export function onOtherThread<T>(body: string, data: unknown): Promise<T> {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const load = (path) => import(new URL(path, workerData.root).href);
    (async ({ data, load }) => { ${body} })({ data: workerData.data, load }).then((value) => parentPort.postMessage(value));
  `;
  const root = new URL("../../", import.meta.url).href;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData: { root, data } });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread ended with ${code} before it answered`)));
  });
}
