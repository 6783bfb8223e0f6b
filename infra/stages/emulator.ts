import type { StageSettings } from "../settings.ts";

/** What `npm run deploy:emulator` deploys: small enough that the end-to-end suite meets every limit. */
export const settings: StageSettings = {
  alarmEmail: "operator@example.com",
  keys: { cacheSeconds: 2 },
  // The suite is the issuer: it serves its keys on this port of this machine.
  oidc: { issuer: "http://127.0.0.1:4599/", audience: "runstone", jwksUrl: "http://127.0.0.1:4599/jwks.json" },
  queue: { batchSize: 10, windowSeconds: 0, maxReceiveCount: 2 },
  limits: {
    plans: {
      standard: { requestsPerSecond: 2000, burst: 2000 },
      small: { requestsPerSecond: 2, burst: 5 },
    },
    // MiniStack takes a usage key from the header `x-api-key` only.
    areDemanded: false,
  },
};
