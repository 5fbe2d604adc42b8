/** A share in words, e.g. `4.1 %`; `0 %` only for none at all, `100 %` only for all. */
export function percentText(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0 %";
  if (part >= whole) return "100 %";
  const percent = (part / whole) * 100;
  if (percent < 0.1) return "< 0.1 %";
  if (percent > 99.9) return "> 99.9 %";
  return `${percent.toFixed(1)} %`;
}

/** Events in a minute, e.g. `12.3`. */
export function perMinuteText(count: number, minutes: number): string {
  const rate = count / Math.max(minutes, 1);
  if (rate === 0 || rate >= 100) return `${Math.round(rate)}`;
  return rate < 0.1 ? "< 0.1" : rate.toFixed(1);
}
