/**
 * A waiting line with a lane for each group, served lane by lane, so that one group's crowd doesn't hold up the others.
 * Within a lane the first comes first. Every operation takes constant time.
 */
export function fairLine<T>(groupOf: (item: T) => string) {
  // A Map's order is that of insertion: the lane that was served goes to its end.
  const lanes = new Map<string, Set<T>>();
  function remove(item: T): void {
    const group = groupOf(item);
    const lane = lanes.get(group);
    if (lane?.delete(item) && lane.size === 0) lanes.delete(group);
  }
  return {
    add(item: T): void {
      const group = groupOf(item);
      const lane = lanes.get(group) ?? new Set();
      lane.add(item);
      lanes.set(group, lane);
    },
    remove,
    /** Takes out whose turn it is; undefined when nobody waits. */
    next(): T | undefined {
      for (const [group, lane] of lanes) {
        for (const item of lane) {
          lane.delete(item);
          lanes.delete(group);
          if (lane.size > 0) lanes.set(group, lane);
          return item;
        }
      }
      return undefined;
    },
  };
}
