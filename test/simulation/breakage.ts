import type { QueuePorts } from "../../functions/queue-batch.ts";
import type { EventStore, RecordedClaims } from "../../shared/event-store/event-store.ts";
import type { RouterPorts } from "../../shared/flows/deliver/router-ports.ts";
import type { OutcomePorts } from "../../shared/flows/deliver/take-outcomes.ts";
import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import type { RoutingCache } from "../../shared/flows/routing-cache.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import type { Target } from "../../shared/targets/target.ts";
import type { MemoryEventStore } from "./memory-event-store.ts";
import type { ProblemKind } from "./problem.ts";
import type { Scenario } from "./scenario.ts";
import type { Accepting } from "./simulated-front-door.ts";
import type { Handler } from "./simulated-function.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { StandardQueue } from "./standard-queue.ts";
import type { VirtualTime } from "./virtual-time.ts";

export type Behind = { store: MemoryEventStore; process: SimulatedProcess; time: VirtualTime };

export type BehindReplays = Behind & { replays: ReplayStore };

/** Pieces that stand in for sound ones. Production code has no switches: everything is broken from outside. */
export type Breakage = {
  events?: (events: EventStore & RecordedClaims, behind: Behind) => EventStore & RecordedClaims;
  target?: (target: Target) => Target;
  routing?: (cache: RoutingCache) => RoutingCache;
  newId?: () => string;
  router?: (ports: RouterPorts & QueuePorts) => Handler;
  deadLetters?: (ports: RouterPorts & QueuePorts) => Handler;
  outcomes?: (ports: OutcomePorts & QueuePorts) => Handler;
  replayer?: (ports: ReplayerPorts, behind: BehindReplays) => ReplayerPorts;
  deletesOnReceive?: boolean;
  accept?: Accepting;
  keep?: StandardQueue["keep"];
};

/** A deliberate breakage, and what the checker must say of it. */
export type Control = {
  breaks: string;
  shows: readonly ProblemKind[];
  breakage: Breakage;
  /** What must come together for it to show: elsewhere it would do so too, but after many more seeds. */
  weather?: (scenario: Scenario) => Scenario;
  /** Whether it takes the embedded runtime's own pieces. */
  embedded?: true;
};
