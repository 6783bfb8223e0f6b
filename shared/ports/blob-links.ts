/** What may be uploaded by a link: these bytes and no others. */
export interface ExpectedBytes {
  readonly sizeBytes: number;
  /** Of the bytes, as base64. */
  readonly sha256: string;
}

/** From when a link holds (milliseconds since 1970, a {@link wholeSecond}), and for how many seconds. */
export interface LinkTime {
  readonly from: number;
  readonly seconds: number;
}

/** The second that a moment lies in (milliseconds since 1970): links tell time in seconds. */
export const wholeSecond = (milliseconds: number): number => milliseconds - (milliseconds % 1000);

/** A request that whoever has it may send, without a credential. */
export interface UploadLink {
  readonly method: "PUT";
  readonly url: string;
  /** To be sent with it, as they are; the length of the body goes without saying. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Links to objects, for whoever has no credential for their store. A link holds for one object and one method until its
 * time is over, and is refused afterwards. Whether there is such an object is not looked at. Making a link asks nobody,
 * so it can fail only where there are no credentials to sign with.
 */
export interface BlobLinks {
  /** Takes an object of exactly these bytes: of another length or checksum it is refused, and nothing is kept. */
  upload(key: string, bytes: ExpectedBytes, time: LinkTime): Promise<UploadLink>;
  /** The URL of a GET. It answers with what the object's key says of its content. */
  download(key: string, time: LinkTime): Promise<string>;
}
