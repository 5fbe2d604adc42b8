import type { Screen } from "../screen.ts";
import { overviewScreen } from "./overview-screen.ts";

/** Every screen by its name in an address: `/console/NAME`. The overview has none. */
export const screens: ReadonlyMap<string, Screen> = new Map<string, Screen>([["", overviewScreen]]);
