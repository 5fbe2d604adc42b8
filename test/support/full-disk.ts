import { DatabaseSync } from "node:sqlite";

/**
 * Loaded into a server's process before it starts: lets its state file grow no more when the test says so, as a full disk
 * would, on any machine and by any user. SQLite then fails every write that needs another page.
 */
const MOST_PAGES = 4_294_967_294;

const files = new Set<DatabaseSync>();
const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function (sql) {
  files.add(this);
  return exec.call(this, sql);
};

process.on("message", (told) => {
  for (const file of files) {
    if (!file.isOpen) continue;
    const pages = told === "full" ? Number(file.prepare("PRAGMA page_count").get()?.page_count) : MOST_PAGES;
    exec.call(file, `PRAGMA max_page_count = ${pages}`);
  }
  process.send?.(told);
});
// Listening for messages must not keep the process from ending.
process.channel?.unref();
