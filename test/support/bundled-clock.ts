/**
 * Puts this process's clock ahead, so that hours of leases, backoffs and visibility pass in a test without being waited
 * for. Loaded before everything else; timers keep their own time. How far, its own address (`?ahead-ms=`) or the environment
 * says.
 */
const RealDate = Date;
let aheadMs = Number(
  new URL(import.meta.url).searchParams.get("ahead-ms") ?? process.env.TURNOUT_TEST_CLOCK_AHEAD_MS ?? 0,
);

const now = () => RealDate.now() + aheadMs;
const ahead: DateConstructor = new Proxy(RealDate, {
  construct: (target, args, made) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, made === ahead ? target : made),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
globalThis.Date = ahead;

export function setClockAhead(ms: number): void {
  aheadMs = ms;
}
