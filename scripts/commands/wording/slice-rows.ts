import { percent } from "../../../shared/flows/watch/health-told.ts";
import type { Dimension, Slice } from "../../../shared/flows/watch/slices.ts";
import { note } from "../terminal/output.ts";
import type { Column } from "../terminal/table.ts";

/** Lines of one version: of a million customers those that failed most are of interest. */
const MOST_SHOWN = 50;

/** A line for each value of a dimension. */
export function sliceColumns(by: Dimension): Column<Slice>[] {
  return [
    { title: "COMPONENT", text: ({ component }) => component, least: 12 },
    { title: "VER", text: ({ version }) => (version === "" ? "?" : version), alignRight: true },
    { title: by.toUpperCase(), text: ({ value }) => (value === "" ? "(none)" : value), least: 20 },
    { title: "FAILED", text: ({ failed }) => String(failed), alignRight: true },
    {
      title: "FIRSTS",
      text: ({ tried, estimated }) => (tried === undefined ? undefined : `${estimated ? "~" : ""}${tried}`),
      alignRight: true,
    },
    {
      title: "ERR%",
      text: ({ tried, failed }) => (tried === undefined ? undefined : percent(failed, tried)),
      alignRight: true,
    },
  ];
}

/** Those of a version that have failed most; says how many there are where not all are shown. */
export function shownSlices(slices: readonly Slice[], by: Dimension): Slice[] {
  const [first] = slices;
  if (first !== undefined && slices.length > MOST_SHOWN) {
    const of = `${first.component} ${first.version === "" ? "?" : first.version}`;
    note(`${of}: ${MOST_SHOWN} of ${slices.length} by ${by} are shown, those that failed most`);
  }
  return slices.slice(0, MOST_SHOWN);
}

/** As JSON. The names are a promise. */
export function sliceJson({ component, version, value, failed, tried, estimated }: Slice): object {
  const known = { component, component_version: version === "" ? null : version, value, failed };
  return { ...known, first_attempts: tried ?? null, estimated };
}
