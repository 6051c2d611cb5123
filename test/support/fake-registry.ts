import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { archiveBusybox } from "./busybox-root.ts";
import { digestOf, type FakeImage, foreignImage, imageOf, tarEntry } from "./fake-image.ts";

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message?: string;
  /** How often it refuses before it serves; absent is always. */
  readonly times?: number;
}

/** How a repository of that name answers a request for its manifest. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  missing: { status: 404, code: "MANIFEST_UNKNOWN" },
  private: { status: 401, code: "UNAUTHORIZED" },
  forbidden: { status: 403, code: "DENIED" },
  busy: { status: 429, code: "TOOMANYREQUESTS", message: "retry-after: 90s" },
  briefly: { status: 429, code: "TOOMANYREQUESTS", message: "retry-after: 10ms", times: 2 },
  broken: { status: 500, code: "UNKNOWN" },
  flaky: { status: 503, code: "UNAVAILABLE", times: 2 },
};

const BIG_MB = 200;
const TRICKLE_PIECES = 25;
const TRICKLE_EVERY_MS = 100;

/** Who may pull, and how he shows that he is that. */
export type RegistryGuard =
  | { readonly kind: "basic" | "bearer"; readonly username: string; readonly password: string }
  | { readonly kind: "identity"; readonly token: string };

/**
 * A registry on loopback, which Docker uses without TLS. Its repositories: `app` and any other name are busybox with an entry point
 * and an environment that asks for all devices, and so are those whose layer is `slow` (never comes), `trickling` (comes
 * bit by bit), `truncated` (breaks off) or `damaged` (is not what was promised); `foreign` is for another kind of machine,
 * `big` has 200 MB of zeros beside it; and some refuse as they are named.
 */
export class FakeRegistry {
  readonly #server: Server;
  readonly #guard: RegistryGuard | undefined;
  readonly #root: Buffer;
  readonly #images = new Map<string, FakeImage>();
  readonly #refused = new Map<string, number>();
  /** Requests for layers, by repository. */
  readonly #asked = new Map<string, number>();
  /** Repositories whose layer waits. */
  readonly #released = new Map<string, PromiseWithResolvers<void>>();

  private constructor(root: Buffer, guard: RegistryGuard | undefined) {
    this.#guard = guard;
    this.#root = root;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async start(guard?: RegistryGuard): Promise<FakeRegistry> {
    const directory = await mkdtemp(join(tmpdir(), "gpusched-registry-"));
    try {
      const registry = new FakeRegistry(await readFile(await archiveBusybox(directory)), guard);
      registry.#server.listen(0, "127.0.0.1");
      await once(registry.#server, "listening");
      return registry;
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  /** As it stands in the names of images. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The full name of an image of that repository. */
  image(repository: string): string {
    return `${this.host}/${repository}:1`;
  }

  /** How often the layer of that repository was asked for. */
  served(repository: string): number {
    return this.#asked.get(repository) ?? 0;
  }

  /** Has the layer of that repository wait; the answer lets it go. */
  hold(repository: string): () => void {
    const waiting = Promise.withResolvers<void>();
    this.#released.set(repository, waiting);
    return () => {
      this.#released.delete(repository);
      waiting.resolve();
    };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = "" } = request;
    if (url.startsWith("/token")) return await this.#grant(request, response);
    if (!this.#isAllowed(request)) return this.#challenge(response);
    const [, repository = "", kind, reference = ""] = /^\/v2\/(\w+)\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    if (kind === undefined) return void response.end("{}");
    if (this.#refuse(repository, kind, response)) return;
    const image = this.#image(repository);
    if (kind === "manifests") {
      return send(response, image.manifest, image.type);
    }
    const blob = [image.config, image.layer].find((it) => digestOf(it) === reference);
    if (!blob) return void response.writeHead(404).end();
    if (blob === image.config) return send(response, blob);
    this.#asked.set(repository, this.served(repository) + 1);
    await this.#released.get(repository)?.promise;
    await sendLayer(repository, response, blob);
  }

  /** Each has a layer of its own, so that what an engine has of one is of no use for another. */
  #image(repository: string): FakeImage {
    let image = this.#images.get(repository);
    if (image) return image;
    const size = repository === "big" ? BIG_MB * 1024 * 1024 : 0;
    image = imageOf(Buffer.concat([tarEntry(`etc-${repository}`, Buffer.alloc(size)), this.#root]));
    if (repository === "foreign") image = foreignImage(image);
    this.#images.set(repository, image);
    return image;
  }

  #refuse(repository: string, kind: string, response: ServerResponse): boolean {
    const refusal = REFUSALS[repository];
    const before = this.#refused.get(repository) ?? 0;
    if (!refusal || kind !== "manifests" || before >= (refusal.times ?? Number.POSITIVE_INFINITY)) return false;
    this.#refused.set(repository, before + 1);
    const body = JSON.stringify({ errors: [{ code: refusal.code, message: refusal.message ?? repository }] });
    response.writeHead(refusal.status, { "Content-Type": "application/json" }).end(body);
    return true;
  }

  #isAllowed({ headers: { authorization = "" } }: IncomingMessage): boolean {
    const guard = this.#guard;
    if (!guard) return true;
    return authorization === (guard.kind === "basic" ? basic(guard) : "Bearer let-in");
  }

  #challenge(response: ServerResponse): void {
    const realm = `Bearer realm="http://${this.host}/token",service="test"`;
    const header = this.#guard?.kind === "basic" ? 'Basic realm="test"' : realm;
    const body = JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] });
    response.writeHead(401, { "WWW-Authenticate": header, "Content-Type": "application/json" }).end(body);
  }

  /** Docker asks with a name and a password, or posts its identity token. */
  async #grant(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const guard = this.#guard;
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const posted = new URLSearchParams(body).get("refresh_token");
    const isRight =
      guard?.kind === "identity" ? posted === guard.token : guard && request.headers.authorization === basic(guard);
    if (!isRight) return void response.writeHead(401).end('{"details":"incorrect username or password"}');
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ token: "let-in", access_token: "let-in", expires_in: 3_600 }));
  }
}

function basic({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function send(response: ServerResponse, content: Buffer, type = "application/octet-stream"): void {
  head(response, content, type);
  response.end(content);
}

function head(response: ServerResponse, content: Buffer, type: string): void {
  const headers = {
    "Content-Type": type,
    "Content-Length": content.length,
    "Docker-Content-Digest": digestOf(content),
  };
  response.writeHead(200, headers);
}

async function sendLayer(repository: string, response: ServerResponse, layer: Buffer): Promise<void> {
  const half = layer.subarray(0, layer.length / 2);
  switch (repository) {
    case "slow":
      head(response, layer, "application/octet-stream");
      return void response.write(half);
    case "truncated":
      head(response, layer, "application/octet-stream");
      return void response.write(half, () => response.destroy());
    case "damaged":
      head(response, layer, "application/octet-stream");
      return void response.end(Buffer.concat([half, Buffer.alloc(layer.length - half.length)]));
    case "trickling": {
      head(response, layer, "application/octet-stream");
      const step = Math.ceil(layer.length / TRICKLE_PIECES);
      for (let at = 0; at < layer.length; at += step) {
        response.write(layer.subarray(at, at + step));
        await sleep(TRICKLE_EVERY_MS);
      }
      return void response.end();
    }
    default:
      send(response, layer);
  }
}
