/** What is counted by version and alias is told apart by these. */
export const VERSION_LABELS = ["component", "component_version", "alias"] as const;

type VersionLabels = Record<(typeof VERSION_LABELS)[number], string>;

/** What was counted of a version's deliveries by one alias since it was asked for last. */
export type VersionCounts = {
  readonly labels: VersionLabels;
  outcomes: Map<string, number>;
  fallbacks: number;
  firsts: number;
  failed: number;
};

/**
 * Counts deliveries until somebody asks for them: a counter of Prometheus puts a text together of each one's labels, to
 * find what it adds to. There are as many as there are versions and aliases.
 */
export function versionCounts() {
  const components = new Map<string, Map<string, Map<string, VersionCounts>>>();

  function of(component: string, version: string, alias: string): VersionCounts {
    const known = components.get(component)?.get(version)?.get(alias);
    if (known !== undefined) return known;
    const versions = valueAt(components, component, () => new Map<string, Map<string, VersionCounts>>());
    const aliases = valueAt(versions, version, () => new Map<string, VersionCounts>());
    const labels: VersionLabels = { component, component_version: version, alias };
    return valueAt(aliases, alias, () => ({ labels, outcomes: new Map(), fallbacks: 0, firsts: 0, failed: 0 }));
  }

  /** All there are, which begin anew. */
  function take(): VersionCounts[] {
    const taken = [...components.values()].flatMap((versions) =>
      [...versions.values()].flatMap((aliases) => [...aliases.values()]),
    );
    components.clear();
    return taken;
  }

  return { of, take };
}

function valueAt<K, V>(values: Map<K, V>, key: K, make: () => V): V {
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  return made;
}
