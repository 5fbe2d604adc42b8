import { existsSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
// INTERIM
const { folder, handler } = workerData as { folder: string; handler: string };
const [file = "", name = ""] = handler.split(".");
const path = [".js", ".mjs", ".ts"].map((e) => join(folder, file + e)).find((p) => existsSync(p)) ?? "";
const module = import(path);
parentPort?.on("message", async (payload: string) => {
  try {
    await (await module)[name](JSON.parse(payload), {});
    parentPort?.postMessage(["done", ""]);
  } catch (error) {
    parentPort?.postMessage(["failed", String(error)]);
  }
});
