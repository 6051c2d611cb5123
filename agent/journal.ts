import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { messageOf, RequestError, systemErrorCode } from "../base/errors.ts";
import { makeDataDirectory } from "../base/make-directory.ts";
import type { Memory } from "./core/input.ts";

const FILE_NAME = "agent.json";

const contentSchema = z.strictObject({
  version: z.literal(1),
  agentId: z.uuid(),
  clusterId: z.string(),
  highestTerm: z.int().nonnegative(),
  leaseMs: z.int().nonnegative(),
  revision: z.int().nonnegative().optional(),
  leaseFrom: z.strictObject({ bootId: z.string(), atMs: z.number(), vouchedFromMs: z.number().optional() }).optional(),
  membership: z
    .strictObject({
      version: z.int().positive(),
      members: z.array(z.strictObject({ name: z.string(), address: z.string() })).readonly(),
      hearingMs: z.number(),
      vouchMs: z.number(),
      stopMs: z.number(),
    })
    .optional(),
  life: z.int().nonnegative().optional(),
  fenced: z.array(z.string()).readonly().optional(),
  givenUp: z.record(z.string(), z.string()).readonly().optional(),
});

type Content = z.infer<typeof contentSchema>;

/** The agent's memory on disk: who it is and whom it obeys. */
export class Journal {
  readonly #path: string;
  #content: Content;

  private constructor(path: string, content: Content) {
    this.#path = path;
    this.#content = content;
  }

  /** Reads the journal in the directory, or begins one with a new identity. A damaged one is refused, never replaced. */
  static async open(dataDir: string): Promise<Journal> {
    makeDataDirectory(dataDir);
    const path = join(dataDir, FILE_NAME);
    const found = await read(path);
    if (found) return new Journal(path, found);
    const journal = new Journal(path, {
      version: 1,
      agentId: randomUUID(),
      clusterId: "",
      highestTerm: 0,
      leaseMs: 0,
    });
    await journal.save({ clusterId: "", highestTerm: 0, leaseMs: 0 });
    return journal;
  }

  /** Made once: tells two hosts of one name apart. */
  get agentId(): string {
    return this.#content.agentId;
  }

  get memory(): Memory {
    const { version: _, agentId: __, ...memory } = this.#content;
    return memory;
  }

  /** Resolves when the memory is durable. One call at a time. */
  async save(memory: Memory): Promise<void> {
    const { version, agentId } = this.#content;
    const content = { version, agentId, ...memory };
    await writeFileAtomic(this.#path, `${JSON.stringify(content, undefined, 2)}\n`);
    this.#content = content;
  }
}

async function read(path: string): Promise<Content | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw new RequestError("unavailable", `cannot read the agent's journal ${path}: ${messageOf(error)}`);
  }
  try {
    return contentSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new RequestError(
      "conflict",
      `the agent's journal ${path} is damaged. Restore it from a copy; or, if no job of this node is running any more, ` +
        "remove it: the node then registers as a new one",
      { cause },
    );
  }
}
