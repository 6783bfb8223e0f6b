/** The domain under which services answer in a region: the partition of China has its own. */
export const awsDomain = (region: string): string => `amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
