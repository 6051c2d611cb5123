/** Images as a registry serves them. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

export const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const BLOCK = 512;

/** An image of one layer, ready to be served. */
export interface FakeImage {
  readonly manifest: Buffer;
  readonly type: string;
  readonly config: Buffer;
  /** Compressed. */
  readonly layer: Buffer;
}

/** @param root the root file system as a tar archive */
export function imageOf(root: Buffer): FakeImage {
  const layer = gzipSync(root);
  const config = Buffer.from(JSON.stringify(imageConfig(digestOf(root))));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: "application/vnd.docker.container.image.v1+json", ...descriptorOf(config) },
    layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", ...descriptorOf(layer) }],
  };
  return { manifest: Buffer.from(JSON.stringify(manifest)), type: MANIFEST, config, layer };
}

/** The same image, said to be for machines of a kind that runs no tests. */
export function foreignImage(image: FakeImage): FakeImage {
  const platform = { architecture: "s390x", os: "linux" };
  const manifests = [{ mediaType: MANIFEST, ...descriptorOf(image.manifest), platform }];
  const list = { schemaVersion: 2, mediaType: MANIFEST_LIST, manifests };
  return { ...image, manifest: Buffer.from(JSON.stringify(list)), type: MANIFEST_LIST };
}

/** A file as a tar archive has it; archives are joined by putting entries before them. */
export function tarEntry(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((left, byte) => left + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

export function digestOf(blob: Buffer): string {
  return `sha256:${createHash("sha256").update(blob).digest("hex")}`;
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
