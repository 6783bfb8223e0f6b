import type { Charge, Place } from "./cost-meter.ts";

/** US dollars per million, us-east-1, on demand, November 2026. */
export const PRICES = {
  writeUnit: 0.625,
  readUnit: 0.125,
  objectPut: 5,
  objectGet: 0.4,
  apiRequest: 3.5,
  /** A queue's request, one for each 64 KB begun. */
  queueRequest: 0.4,
  /** A Lambda invocation. */
  invocation: 0.2,
  /** A million milliseconds of Lambda with 1 GB on ARM. */
  lambdaMs: 0.0133334,
} as const;

const QUEUE_CHUNK_BYTES = 64 * 1024;
/** A message is sent, received and deleted. */
const REQUESTS_A_MESSAGE = 3;

/** What a million queue messages of this size cost. */
export const queuePrice = (messageBytes: number): number =>
  Math.ceil(messageBytes / QUEUE_CHUNK_BYTES) * REQUESTS_A_MESSAGE * PRICES.queueRequest;

/** Charges added up. */
export interface Bill {
  readonly writeUnits: number;
  readonly writeUnitsOf: Readonly<Partial<Record<Place, number>>>;
  readonly readUnits: number;
  readonly puts: number;
  readonly gets: number;
  /** US dollars for a million times the same. */
  readonly dollarsPerMillion: number;
}

/** The bill of charges, divided by so many runs or requests. */
export const billOf = (charges: readonly Charge[], divisor = 1): Bill => {
  const sum = (isCounted: (charge: Charge) => boolean): number =>
    charges.reduce((total, charge) => total + (isCounted(charge) ? charge.units : 0), 0) / divisor;
  const isObject = ({ place }: Charge): boolean => place === "objects";
  const places = [
    ...new Set(charges.filter((charge) => charge.kind === "write" && !isObject(charge)).map(({ place }) => place)),
  ];
  const units = {
    writeUnits: sum((charge) => charge.kind === "write" && !isObject(charge)),
    writeUnitsOf: Object.fromEntries(
      places.map((place) => [place, sum((charge) => charge.kind === "write" && charge.place === place)]),
    ),
    readUnits: sum((charge) => charge.kind === "read" && !isObject(charge)),
    puts: sum((charge) => charge.kind === "write" && isObject(charge)),
    gets: sum((charge) => charge.kind === "read" && isObject(charge)),
  };
  return {
    ...units,
    dollarsPerMillion:
      units.writeUnits * PRICES.writeUnit +
      units.readUnits * PRICES.readUnit +
      units.puts * PRICES.objectPut +
      units.gets * PRICES.objectGet,
  };
};
