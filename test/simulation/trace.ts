import { EPOCH_MS } from "./actor.ts";

/** What happened, as a hash, and as text for whoever wants to read it. */
export class Trace {
  readonly #print: ((line: string) => void) | undefined;
  #hash = 0x811c9dc5;

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  /** Something happens to an actor. Counted always, told only where it is more than a timer. */
  event(now: number, actor: string, label: string): void {
    this.#count(`${now} ${actor} ${label}`);
    if (label !== "timer" && label !== "turn") this.#tell(now, actor, label);
  }

  /** What an event led to, for the reader. */
  note(now: number, actor: string, text: () => string): void {
    if (this.#print) this.#tell(now, actor, text());
  }

  /** Counts what was decided. */
  decided(text: string): void {
    this.#count(text);
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  #tell(now: number, actor: string, text: string): void {
    this.#print?.(`${(now / 1_000).toFixed(3).padStart(10)}  ${actor.padEnd(14)} ${shorten(text)}`);
  }

  /** FNV-1a. */
  #count(text: string): void {
    let hash = this.#hash;
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
    this.#hash = hash;
  }
}

/** Ids without what all of them have in common. */
function shorten(text: string): string {
  return text.replaceAll(/job-(\d{13})(\d{6})/g, (_, ms: string, count: string) => {
    return `job-${Number(ms) - EPOCH_MS}.${Number(count)}`;
  });
}
