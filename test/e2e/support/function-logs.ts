import { askService } from "./aws-clients.ts";
import { deployment } from "./deployment.ts";

/** A line that a function or the API has logged. */
export interface LogEvent {
  readonly logGroup: string;
  readonly message: string;
}

interface Page {
  readonly events?: readonly { readonly message: string }[];
  readonly nextToken?: string;
}

const linesOf = async (logGroup: string, startTime: number): Promise<LogEvent[]> => {
  const lines: LogEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = (await askService({
      service: "logs",
      method: "POST",
      path: "/",
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "Logs_20140328.FilterLogEvents" },
      body: { logGroupName: logGroup, startTime, ...(nextToken === undefined ? {} : { nextToken }) },
    })) as Page;
    lines.push(...(page.events ?? []).map(({ message }) => ({ logGroup, message })));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return lines;
};

/** Every line that was logged since then (milliseconds since 1970), by any function or by the API. */
export const linesSince = async (startTime: number): Promise<LogEvent[]> =>
  (await Promise.all(deployment().logGroups.map((group) => linesOf(group, startTime)))).flat();
