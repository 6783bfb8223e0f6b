const LAST_SECOND = 253_402_300_799; // 9999-12-31T23:59:59Z

/** Dify's clock: seconds since 1970, whole in its streams; fractions are taken to the microsecond. */
export const isUnixTime = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= LAST_SECOND;

/** Seconds since 1970 as RFC 3339. */
export const instantText = (seconds: number): string => {
  const [whole = "0", fraction = ""] = seconds.toFixed(6).split(".");
  const text = new Date(Number(whole) * 1000).toISOString();
  return `${text.slice(0, 20)}${fraction.replace(/0{1,3}$/, "")}Z`;
};
