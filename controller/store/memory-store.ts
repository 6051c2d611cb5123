import { randomUUID } from "node:crypto";
import { assert } from "../../base/assert.ts";
import {
  type Row,
  type RowValue,
  type Store,
  type StoreContents,
  StoreError,
  TABLES,
  type Table,
  type Tenure,
  type Write,
} from "./store.ts";

/**
 * What survives a memory store: hand the same one to a later store to reopen it.
 * Rows are kept as JSON text, so that no reference is shared and what cannot be stored elsewhere cannot be stored here.
 */
export class MemoryDisk {
  readonly clusterId: string;
  readonly tables: Readonly<Record<Table, Map<string, string>>> = {
    job: new Map(),
    spec: new Map(),
    tenant: new Map(),
    node: new Map(),
    membership: new Map(),
  };
  term = 0;
  revision = 0;
  /** Tells the latest holder that another has begun a term. */
  onNextTerm: (error: StoreError) => void = () => undefined;

  /** A simulation gives the cluster's id, so that a replay agrees. */
  constructor(clusterId: string = randomUUID()) {
    this.clusterId = clusterId;
  }
}

/** Opens a store on the disk: begins the next term there, which fences every store opened on it before. */
export function createMemoryStore(disk: MemoryDisk = new MemoryDisk()): Store {
  disk.term += 1;
  disk.onNextTerm(new StoreError("fenced", `term ${disk.term} has begun: term ${disk.term - 1} is over`));
  return new MemoryStore(disk);
}

class MemoryStore implements Store {
  readonly kind = "memory";
  readonly tenure: Tenure;
  readonly #disk: MemoryDisk;
  readonly #term: number;
  #isClosed = false;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
    this.#term = disk.term;
    const { promise: lost, resolve } = Promise.withResolvers<StoreError>();
    disk.onNextTerm = (error) => {
      if (!this.#isClosed) resolve(error);
    };
    this.tenure = { isHeld: () => !this.#isClosed && disk.term === this.#term, lost };
  }

  async load(): Promise<StoreContents> {
    this.#refuseWhenOver();
    const { clusterId, revision, tables } = this.#disk;
    const rows: Row[] = [];
    for (const table of TABLES) {
      for (const [key, text] of tables[table]) rows.push({ table, key, value: parseRow(text) });
    }
    return { clusterId, term: this.#term, revision, rows };
  }

  async commit(writes: readonly Write[]): Promise<number> {
    this.#refuseWhenOver();
    const texts = writes.map(({ value }) => (value === null ? null : JSON.stringify(value)));
    for (const [index, { table, key }] of writes.entries()) {
      const text = texts[index];
      if (typeof text === "string") this.#disk.tables[table].set(key, text);
      else this.#disk.tables[table].delete(key);
    }
    this.#disk.revision += 1;
    return this.#disk.revision;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #refuseWhenOver(): void {
    if (this.#isClosed) throw new StoreError("failed", "the store is closed");
    if (this.#disk.term !== this.#term) {
      throw new StoreError("fenced", `term ${this.#disk.term} has begun: term ${this.#term} is over`);
    }
  }
}

function parseRow(text: string): RowValue {
  const value: unknown = JSON.parse(text);
  assert(typeof value === "object" && value !== null, "a stored row is not an object");
  return value as RowValue;
}
