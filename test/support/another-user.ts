import { syncBuiltinESMExports } from "node:module";
import os from "node:os";

/** Loaded into a process first: it is somebody else's, as its own address says (`?name=`). */
const username = new URL(import.meta.url).searchParams.get("name") ?? "";
const { userInfo } = os;

Object.assign(os, { userInfo: () => ({ ...userInfo(), username }) });
syncBuiltinESMExports();
