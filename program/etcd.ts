import { hostname } from "node:os";
import { type OptionValues, UsageError } from "../base/options.ts";
import { SECOND_MS } from "../base/time.ts";
import type { EtcdOptions } from "../controller/controller.ts";
import type { controllerOptions } from "./options.ts";

const SHORTEST_LEASE_MS = 2 * SECOND_MS;
const TAKEOVER_MS = SECOND_MS;

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
    leaseTtlMs: leaseOf(electionTtl),
    allowsOld: allowOldEtcd,
  };
}

/**
 * etcd looks twice a second for leases that have ended, and the next leader takes a moment to begin: the lease is so much shorter
 * than the time for which nobody should lead, where etcd gives one that short.
 */
function leaseOf(electionTtlMs: number): number {
  return electionTtlMs > SHORTEST_LEASE_MS ? electionTtlMs - TAKEOVER_MS : electionTtlMs;
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
