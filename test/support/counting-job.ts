/** A job that counts until it is told to end: who looks can see that it goes on, and ran once. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { RestClient } from "./rest-client.ts";

const SCRIPT = `
echo start >> "$DIR/starts"
echo counting
while [ ! -e "$DIR/go" ]; do printf . >> "$DIR/ticks"; sleep 0.05; done
`;

export class CountingJob {
  readonly #rest: RestClient;
  readonly #directory: string;
  readonly #patience: { readonly timeout: number; readonly interval: number };

  /** @param directory a folder of its own, which is there */
  constructor(rest: RestClient, directory: string, patience: { readonly timeout: number; readonly interval: number }) {
    this.#rest = rest;
    this.#directory = directory;
    this.#patience = patience;
  }

  /** Submits it for a tenant of its own, and waits until it runs. */
  async start(fields: object = {}): Promise<{ readonly id: string; readonly node: string }> {
    const { id: tenant_id } = await this.#rest.json<{ id: string }>("POST", "/tenants", { name: "team" });
    const environment = { DIR: this.#directory };
    const job = { tenant_id, name: "counts", gpu_count: 1, script: SCRIPT, environment, ...fields };
    const id = await this.#rest.submit(job);
    const { node_name: node } = await this.#rest.jobWhen(id, ({ state }) => state === "running");
    return { id, node };
  }

  ticks(): number {
    const path = join(this.#directory, "ticks");
    return existsSync(path) ? readFileSync(path).length : 0;
  }

  /** It still counts, and comes to its end in the one attempt that it was begun with. */
  async expectUntouched(id: string): Promise<void> {
    const before = this.ticks();
    await expect.poll(() => this.ticks(), this.#patience).toBeGreaterThan(before);
    await mkdir(join(this.#directory, "go"));
    const job = await this.#rest.jobWhen(id, ({ phase }) => phase === "finished");
    expect(job).toMatchObject({ state: "completed", exit_code: 0, attempt: 1 });
    expect(readFileSync(join(this.#directory, "starts"), "utf8")).toBe("start\n");
  }
}
