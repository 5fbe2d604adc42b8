import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { RouterPorts } from "../deliver/router-ports.ts";
import type { MatchPorts } from "./match-replay.ts";

/** What a replayer works with: what a router has, the replays, and where the versions are. */
export type ReplayerPorts = Omit<RouterPorts, "events"> &
  Omit<MatchPorts, "events" | "replays"> & {
    events: RouterPorts["events"] & MatchPorts["events"];
    replays: ReplayStore;
    /** How long a router may still be at what it claimed before a replay began, in ms: its timeout and 5 s. */
    settleMs: number;
  };
