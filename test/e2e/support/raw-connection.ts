import { connect as connectPlain } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { deployment } from "./deployment.ts";

/** A connection to the API's front, for what no HTTP client would send. */
export interface RawConnection {
  write(bytes: string): void;
  /** All that came back. */
  readonly received: string;
  readonly isClosed: boolean;
  /** Resolves when the other side has closed, or has sent nothing for so long. */
  quiet(milliseconds: number): Promise<string>;
  close(): void;
}

/** Host and path of the API, as a request's head has them. */
export const rawTarget = (path: string): { host: string; path: string } => {
  const { host, pathname } = new URL(deployment().apiUrl);
  return { host, path: `${pathname.replace(/\/$/, "")}${path}` };
};

/** Connects; a reset by the other side counts as closed. */
export const openRaw = async (): Promise<RawConnection> => {
  const { protocol, hostname, port } = new URL(deployment().apiUrl);
  const isTls = protocol === "https:";
  const place = { host: hostname, port: Number(port) || (isTls ? 443 : 80) };
  const socket = isTls ? connectTls({ ...place, servername: hostname }) : connectPlain(place);
  let received = "";
  let lastAt = Date.now();
  let isClosed = false;
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
    lastAt = Date.now();
  });
  const close = (): void => {
    isClosed = true;
  };
  socket.once("end", close).once("close", close).on("error", close);
  await new Promise<void>((resolve, reject) => {
    socket.once(isTls ? "secureConnect" : "connect", () => resolve()).once("error", reject);
  });
  return {
    write: (bytes) => {
      if (!isClosed) socket.write(bytes, "latin1");
    },
    get received() {
      return received;
    },
    get isClosed() {
      return isClosed;
    },
    quiet: async (milliseconds) => {
      lastAt = Date.now();
      while (!isClosed && Date.now() - lastAt < milliseconds) await pause(20);
      return received;
    },
    close: () => socket.destroy(),
  };
};

/** Sends bytes as they are, and gives what came back. */
export const sendRaw = async (bytes: string): Promise<string> => {
  const connection = await openRaw();
  connection.write(bytes);
  try {
    while (connection.received === "" && !connection.isClosed) await pause(20);
    return await connection.quiet(400);
  } finally {
    connection.close();
  }
};
