import { hostname } from "node:os";
import { type OptionValues, UsageError } from "../base/options.ts";
import type { EtcdOptions } from "../controller/controller.ts";
import type { controllerOptions } from "./options.ts";

type Values = OptionValues<typeof controllerOptions>;
type PlaceValues = Pick<Values, "etcdPrefix" | "etcdCa" | "etcdCert" | "etcdKey">;

/**
 * What the options say of etcd; undefined where the state is in the data directory.
 *
 * @throws UsageError for certificates that do not go with the addresses
 */
export function etcdOf(values: Values): EtcdOptions | undefined {
  const { etcd = [], electionTtl, allowOldEtcd, listen, advertise } = values;
  if (etcd.length === 0) return undefined;
  return {
    ...placeOf(values, etcd),
    instance: `${hostname()} ${advertise ?? listen}`,
    leaseTtlMs: electionTtl,
    allowsOld: allowOldEtcd,
  };
}

/** Where in which etcd the state is, and how it is reached. */
export function placeOf(values: PlaceValues, etcd: readonly string[]) {
  const tls = tlsOf(values, etcd);
  return {
    endpoints: etcd.map((url) => url.replace(/^https?:\/\//, "").replace(/\/$/, "")),
    prefix: values.etcdPrefix,
    ...(tls ? { tls } : {}),
  };
}

function tlsOf({ etcdCa: caFile, etcdCert: certFile, etcdKey: keyFile }: PlaceValues, etcd: readonly string[]) {
  const secure = etcd.filter((url) => url.startsWith("https://")).length;
  if (secure === 0) {
    if ((caFile ?? certFile ?? keyFile) === undefined) return undefined;
    throw new UsageError("--etcd: certificates are for addresses with https://");
  }
  if (secure < etcd.length) throw new UsageError("--etcd: all addresses must have https://, or none");
  if (caFile === undefined) throw new UsageError("--etcd-ca is needed with https://");
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError("--etcd-cert and --etcd-key go together");
  }
  return { caFile, certFile, keyFile };
}
