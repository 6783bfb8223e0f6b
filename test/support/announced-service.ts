import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Service } from "./service.ts";
import { testEndpoints } from "./test-endpoints.ts";

/** A service that commands find as the embedded stack. */
export interface AnnouncedService {
  /** What commands read. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): void;
}

/** Announces a service as `npm start` does; its objects are files. */
export const announceService = async (service: Service): Promise<AnnouncedService> => {
  const directory = mkdtempSync(join(tmpdir(), "runstone-cli-"));
  const health = createServer((_request, response) => response.end("{}"));
  await new Promise<void>((resolve) => health.listen(0, "127.0.0.1", resolve));
  symlinkSync(service.objects, join(directory, "objects"));
  const { dynamodb, sqs } = testEndpoints();
  const local = {
    api_url: `http://127.0.0.1:${(health.address() as AddressInfo).port}`,
    queue_url: "",
    table_name: service.tableName,
    bucket_name: null,
    endpoints: { dynamodb, sqs, s3: null },
    keys: { demo: "", acme: "" },
    pid: 0,
  };
  writeFileSync(join(directory, "local.json"), JSON.stringify(local));
  return {
    environment: { RUNSTONE_DATA_DIR: directory },
    stop: () => {
      health.close();
      rmSync(directory, { recursive: true });
    },
  };
};
