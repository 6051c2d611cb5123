import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

const MAX_LINE_LENGTH = 1024 * 1024;

/** The JSON values of a stream with one on each line. Leaving the loop destroys the stream. */
export async function* jsonLines(stream: Readable): AsyncGenerator {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.write(chunk as Buffer);
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_LENGTH) throw new Error(`a line of the answer exceeds ${MAX_LINE_LENGTH} characters`);
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}
