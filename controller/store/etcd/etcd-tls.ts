import { readFileSync } from "node:fs";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { messageOf, RequestError } from "../../../base/errors.ts";

/** Files in PEM. Without a certificate of our own, etcd is only checked, and must not ask who we are. */
export interface EtcdTls {
  readonly caFile: string;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** What is in these files. */
export interface TlsFiles {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** @throws RequestError naming the file that cannot be read */
export function readTlsFiles({ caFile, certFile, keyFile }: EtcdTls): TlsFiles {
  const ca = read(caFile, "--etcd-ca");
  if (certFile === undefined || keyFile === undefined) return { ca };
  return { ca, cert: read(certFile, "--etcd-cert"), key: read(keyFile, "--etcd-key") };
}

export function credentialsOf(files: TlsFiles | undefined): ChannelCredentials {
  if (!files) return credentials.createInsecure();
  try {
    return credentials.createSsl(files.ca, files.key ?? null, files.cert ?? null);
  } catch (error) {
    const what = "the certificates for etcd cannot be used";
    throw new RequestError("invalid", `${what}: ${messageOf(error)}`, { cause: error });
  }
}

function read(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new RequestError("invalid", `${option}: cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}
