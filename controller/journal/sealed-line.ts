import { crc32 } from "node:zlib";

const SEAL = /^,"crc":"([0-9a-f]{8})"\}$/;
const SEAL_LENGTH = ',"crc":"00000000"}'.length;

/** The object as one line of JSON whose last field is a checksum of all before it; ends with a line feed. */
export function sealLine(fields: object): string {
  const body = JSON.stringify(fields).slice(0, -1);
  return `${body},"crc":"${checksum(body)}"}\n`;
}

/** The fields of a sealed line, its line feed removed; undefined if it is not as it was written. */
export function openLine(line: string): unknown {
  const body = line.slice(0, -SEAL_LENGTH);
  const seal = SEAL.exec(line.slice(-SEAL_LENGTH))?.[1];
  if (seal === undefined || checksum(body) !== seal) return undefined;
  try {
    return JSON.parse(`${body}}`);
  } catch {
    return undefined;
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
