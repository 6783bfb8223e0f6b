import { buildQueryString, HttpRequest } from "@smithy/core/protocols";
import { Hash } from "@smithy/core/serde";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentialIdentity } from "@smithy/types";
import type { ServiceAccess } from "./service-access.ts";

/** A request that somebody else will send. */
export interface PresignedRequest {
  readonly method: "GET" | "PUT";
  /** Without a query. */
  readonly url: string;
  /** In lower case. Whoever sends the request must send them as they are. */
  readonly headers?: Readonly<Record<string, string>>;
  /** From when it holds (milliseconds since 1970), and for how many seconds. */
  readonly from: number;
  readonly seconds: number;
}

/**
 * Signs requests to S3 for others to send (SigV4 in the query): gives the URL. The body is not signed, but what the
 * headers say of it is: a checksum, a length. A URL ends with the credentials that it was signed with, too, where those
 * are temporary.
 */
export const presigner = ({ region, credentials }: Pick<ServiceAccess, "region" | "credentials">) => {
  const signer = new SignatureV4({
    service: "s3",
    region,
    credentials: async () => credentials() as Promise<AwsCredentialIdentity>,
    uriEscapePath: false,
    sha256: Hash.bind(null, "sha256"),
  });
  return async ({ method, url, headers = {}, from, seconds }: PresignedRequest): Promise<string> => {
    const { protocol, hostname, host, port, pathname } = new URL(url);
    const request = new HttpRequest({
      method,
      protocol,
      hostname,
      ...(port === "" ? {} : { port: Number(port) }),
      path: pathname,
      headers: { host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", ...headers },
    });
    const { query = {} } = await signer.presign(request, {
      signingDate: new Date(from),
      expiresIn: seconds,
      // Otherwise the library would move them into the URL, and the body would be held against nothing that is sent.
      unhoistableHeaders: new Set(Object.keys(headers)),
    });
    return `${url}?${buildQueryString(query)}`;
  };
};
