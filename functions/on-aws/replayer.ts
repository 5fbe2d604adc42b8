import { awsCatalog } from "../../shared/aws-dependencies.ts";
import { rememberedAliases } from "../../shared/versions/remembered-aliases.ts";
import { replayerHandler } from "../replayer.ts";
import { functionPorts } from "./function-ports.ts";

/** How much longer than its timeout a router's last claim may take to be seen. */
const SETTLE_MARGIN_MS = 5_000;

/** An alias that is moved is seen by what a replay does this much later. */
const ALIASES_KEPT_MS = 1_000;

const { settings, aws, now, router, metrics, notices } = functionPorts();

/** Called with the name of a replay when it is started, and every minute for all of them. */
export const handler = replayerHandler({
  ...router,
  replays: aws.replays,
  notify: aws.notify,
  catalog: rememberedAliases(awsCatalog(settings, aws.routingTable).catalog, ALIASES_KEPT_MS, now),
  settleMs: settings.routerTimeoutMs + SETTLE_MARGIN_MS,
})
  .use(metrics.ofBeats("replayer"))
  .use(notices.told());
