/** Certificates of an authority of the test's own, made with openssl. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Signs certificates for 127.0.0.1, for servers and clients alike. */
export class Authority {
  readonly caFile: string;
  readonly #directory: string;
  readonly #name: string;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.caFile = join(directory, `${name}.pem`);
    const out = ["-keyout", `${this.caFile}.key`, "-out", this.caFile];
    openssl("req", "-x509", ...KEY, "-days", "2", "-subj", `/CN=${name}`, ...out);
  }

  certify(name: string): Certificate {
    const path = join(this.#directory, `${this.#name}-${name}`);
    const [request, certFile, keyFile, extensions] = [`${path}.csr`, `${path}.pem`, `${path}.key`, `${path}.ext`];
    writeFileSync(extensions, "subjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth, clientAuth\n");
    openssl("req", ...KEY, "-subj", `/CN=${name}`, "-keyout", keyFile, "-out", request);
    const signer = ["-CA", this.caFile, "-CAkey", `${this.caFile}.key`, "-CAcreateserial", "-days", "2"];
    openssl("x509", "-req", "-in", request, ...signer, "-extfile", extensions, "-out", certFile);
    return { certFile, keyFile };
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
