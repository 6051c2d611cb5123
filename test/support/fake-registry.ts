import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { archiveBusybox } from "./busybox-root.ts";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** How a repository of that name answers a request for its manifest. */
const REFUSALS: Readonly<Record<string, { status: number; code: string }>> = {
  missing: { status: 404, code: "MANIFEST_UNKNOWN" },
  private: { status: 401, code: "UNAUTHORIZED" },
  busy: { status: 429, code: "TOOMANYREQUESTS" },
  broken: { status: 500, code: "UNKNOWN" },
};

/**
 * A registry on loopback, which Docker uses without TLS. Its repositories: `app` is busybox with an entry point and an
 * environment that asks for all devices; `slow` is the same, whose layer never comes; the others refuse as they are named.
 */
export class FakeRegistry {
  readonly #server: Server;
  readonly #blobs: ReadonlyMap<string, Buffer>;
  readonly #manifest: Buffer;

  private constructor(layer: Buffer) {
    const compressed = gzipSync(layer);
    const config = Buffer.from(JSON.stringify(imageConfig(digestOf(layer))));
    this.#blobs = new Map([compressed, config].map((blob) => [digestOf(blob), blob]));
    this.#manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: { mediaType: "application/vnd.docker.container.image.v1+json", ...descriptorOf(config) },
        layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", ...descriptorOf(compressed) }],
      }),
    );
    this.#server = createServer((request, response) => this.#answer(request.url ?? "", response));
  }

  static async start(): Promise<FakeRegistry> {
    const directory = await mkdtemp(join(tmpdir(), "gpusched-registry-"));
    try {
      const registry = new FakeRegistry(await readFile(await archiveBusybox(directory)));
      registry.#server.listen(0, "127.0.0.1");
      await once(registry.#server, "listening");
      return registry;
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  /** The full name of an image of that repository. */
  image(repository: string): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/${repository}:1`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #answer(url: string, response: ServerResponse): void {
    const [, repository = "", kind, reference = ""] = /^\/v2\/(\w+)\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    if (kind === undefined) return void response.end("{}");
    const refusal = REFUSALS[repository];
    if (refusal) {
      const body = JSON.stringify({ errors: [{ code: refusal.code, message: repository }] });
      return void response.writeHead(refusal.status, { "Content-Type": "application/json" }).end(body);
    }
    const content = kind === "manifests" ? this.#manifest : this.#blobs.get(reference);
    if (!content) return void response.writeHead(404).end();
    const type = kind === "manifests" ? MANIFEST : "application/octet-stream";
    const headers = {
      "Content-Type": type,
      "Content-Length": content.length,
      "Docker-Content-Digest": digestOf(content),
    };
    response.writeHead(200, headers);
    const isLayer = kind === "blobs" && content[0] === 0x1f;
    if (repository === "slow" && isLayer) return void response.write(content.subarray(0, content.length / 2));
    response.end(content);
  }
}

function imageConfig(layer: string): object {
  return {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [layer] },
    config: { Entrypoint: ["/bin/echo", "entry"], Cmd: ["cmd"], Env: ["PATH=/bin", "NVIDIA_VISIBLE_DEVICES=all"] },
  };
}

function descriptorOf(blob: Buffer): { size: number; digest: string } {
  return { size: blob.length, digest: digestOf(blob) };
}

function digestOf(blob: Buffer): string {
  return `sha256:${createHash("sha256").update(blob).digest("hex")}`;
}
