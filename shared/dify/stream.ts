const BYTE_ORDER_MARK = "\uFEFF";

const linesOf = (body: string): string[] =>
  (body.startsWith(BYTE_ORDER_MARK) ? body.slice(1) : body).split(/\r\n|\n|\r/);

const framesOfEventStream = (body: string): string[] => {
  const frames: string[] = [];
  let data: string[] = [];
  let name = "";
  const close = () => {
    if (data.length > 0) frames.push(data.join("\n"));
    else if (name !== "") frames.push(JSON.stringify({ event: name }));
    data = [];
    name = "";
  };
  for (const line of linesOf(body)) {
    if (line === "") {
      close();
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") data.push(value);
    else if (field === "event") name = value;
  }
  close();
  return frames;
};

/**
 * The frames of a Dify stream in order, each as it came: JSON if the sender did right, which is not checked here.
 * `event-stream` is read by the rules of server-sent events, with two allowances: a last frame needs no empty line after
 * it, and an event that is only a name (Dify's `event: ping`) is a frame. `ndjson` has a frame a line.
 */
export const readDifyStream = (body: string, format: "event-stream" | "ndjson"): string[] =>
  format === "event-stream" ? framesOfEventStream(body) : linesOf(body).filter((line) => line.trim() !== "");
