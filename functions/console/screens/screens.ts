import type { Screen } from "../screen.ts";
import { changeScreen } from "./change-screen.ts";
import { changesScreen } from "./changes-screen.ts";
import { componentScreen } from "./component-screen.ts";
import { customerScreen } from "./customer-screen.ts";
import { customersScreen } from "./customers-screen.ts";
import { eventScreen } from "./event-screen.ts";
import { failuresScreen } from "./failures-screen.ts";
import { guardScreen } from "./guard-screen.ts";
import { overviewScreen } from "./overview-screen.ts";
import { releaseScreen } from "./release-screen.ts";
import { releasesScreen } from "./releases-screen.ts";
import { replayScreen } from "./replay-screen.ts";
import { replaysScreen } from "./replays-screen.ts";
import { searchScreen } from "./search-screen.ts";
import { streamScreen } from "./stream-screen.ts";

/** Every screen by its name in an address: `/console/NAME`. The overview has none. */
export const screens: ReadonlyMap<string, Screen> = new Map<string, Screen>([
  ["", overviewScreen],
  ["change", changeScreen],
  ["changes", changesScreen],
  ["component", componentScreen],
  ["customer", customerScreen],
  ["customers", customersScreen],
  ["event", eventScreen],
  ["failures", failuresScreen],
  ["guard", guardScreen],
  ["release", releaseScreen],
  ["releases", releasesScreen],
  ["replay", replayScreen],
  ["replays", replaysScreen],
  ["search", searchScreen],
  ["stream", streamScreen],
]);
