/** An etcd that speaks TLS and wants to know who calls; and one that is too old. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { type Logger, silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { EtcdCandidate } from "../../controller/store/etcd/etcd-candidate.ts";
import type { EtcdTls } from "../../controller/store/etcd/etcd-tls.ts";
import { Authority } from "../support/certificates.ts";
import { type EtcdCluster, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";

const QUOTA_BYTES = 64 * 1024 * 1024;
const patience = { timeout: 60_000, interval: 50 };
const soon = () => AbortSignal.timeout(30_000);

let services: ServiceStack;
let etcd: EtcdCluster;
let ours: EtcdTls;
let others: Authority;

beforeEach(async (context) => {
  skipWithoutEtcd(context);
  const hasOpenssl = spawnSync("openssl", ["version"], { stdio: "ignore" }).status === 0;
  context.skip(!hasOpenssl, "openssl is not installed: apt-get install openssl");
  services = new ServiceStack();
  const directory = mkdtempSync(join(tmpdir(), "gpusched-tls-"));
  services.add({ close: async () => rmSync(directory, { recursive: true, force: true }) });
  const authority = new Authority(directory, "ours");
  others = new Authority(directory, "others");
  ours = { caFile: authority.caFile, ...authority.certify("controller") };
  const tls = { caFile: authority.caFile, ...authority.certify("member"), client: ours };
  etcd = services.add(await startEtcd({ members: 1, quotaBytes: QUOTA_BYTES, tls }));
});
afterEach(() => services?.close());

function candidate(tls: EtcdTls, log: Logger = silentLogger, allowsOld = true): EtcdCandidate {
  const place = { endpoints: etcd.endpoints, tls, healthEveryMs: 200, allowsOld };
  return services.add(new EtcdCandidate({ ...place, address: "a:1", instance: "a", clock: systemClock, log }));
}

/** What a candidate with these certificates says of etcd that it cannot reach. */
async function complaint(tls: EtcdTls): Promise<string> {
  const said: string[] = [];
  const warn = (fields: { readonly why?: string }) => void said.push(fields.why ?? "");
  candidate(tls, Object.assign(Object.create(silentLogger) as Logger, { warn }));
  await expect.poll(() => said.filter((why) => why !== "").length, patience).toBeGreaterThan(0);
  return said.join("\n");
}

test("with the right certificates a controller leads, stores, and reads etcd's quota", async () => {
  const one = candidate(ours);
  const store = services.add(await one.campaign(soon()));
  await store.load();
  expect(await store.commit([{ table: "job", key: "job-1", value: { n: 1 } }])).toBe(1);
  await expect.poll(() => one.health?.members[0]?.quotaBytes, patience).toBe(QUOTA_BYTES);
});

test("certificates that do not fit are told of in a sentence", async () => {
  expect(await complaint({ ...ours, caFile: others.caFile })).toContain(
    "etcd's certificate is not signed by what --etcd-ca names",
  );
  expect(await complaint({ ...ours, ...others.certify("stranger") })).toContain(
    "etcd does not take this controller's certificate: --etcd-cert and --etcd-key",
  );
  expect(() => candidate({ ...ours, caFile: "/nowhere/ca.pem" })).toThrow(/--etcd-ca: cannot read \/nowhere\/ca\.pem/);
  expect(() => candidate({ ...ours, keyFile: others.caFile })).toThrow("the certificates for etcd cannot be used");
});

test("an etcd with known defects is refused, unless that is allowed", async (context) => {
  const { version } = await etcd.client.status(etcd.endpoints[0] ?? "", {});
  context.skip(!version.startsWith("3.4."), `etcd ${version} has none`);
  await expect(candidate(ours, silentLogger, false).campaign(soon())).rejects.toThrow(
    /^the etcd at 127.0.0.1:\d+ is version 3\.4\.\d+, which .*: use 3\.6\.9 or 3\.5\.28, or later ones, or give --allow-old-etcd$/,
  );
});
