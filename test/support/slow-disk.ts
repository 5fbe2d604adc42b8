import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Loaded into a server's process before it starts: the disk takes this long for whatever is to be on it. */
const SYNC_MS = 300;

const { fdatasync } = fs;
const slow = (file: number, done: fs.NoParamCallback) => setTimeout(() => fdatasync(file, done), SYNC_MS);
Object.assign(fs, { fdatasync: Object.assign(slow, { __promisify__: fdatasync.__promisify__ }) });
syncBuiltinESMExports();
