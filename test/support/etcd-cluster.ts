/** A real etcd of its own, on free ports and in a temporary directory, whose members a test stops, kills and starts again. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../../base/service.ts";
import { EtcdClient } from "../../controller/store/etcd/etcd-client.ts";
import type { EtcdTls } from "../../controller/store/etcd/etcd-tls.ts";
import { freePort } from "./free-port.ts";

const READY_WITHIN_MS = 30_000;
const POLL_MS = 50;

export interface EtcdMember {
  readonly endpoint: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: connections are accepted and never answered. */
  pause(): void;
  resume(): void;
  /** After a kill; on the same data. */
  restart(): void;
}

/** Closing it kills every member and removes what they stored. */
export interface EtcdCluster extends Service {
  readonly endpoints: readonly string[];
  readonly members: readonly EtcdMember[];
  /** For looking and meddling, beside whatever is tested. */
  readonly client: EtcdClient;
  /** Resolves when a majority answers. */
  untilReady(): Promise<void>;
}

export interface EtcdClusterOptions {
  readonly members: number;
  /** How large a member's file may become before it takes no more writes. */
  readonly quotaBytes?: number;
  /** Certificates of the members; they then want one of every client. */
  readonly tls?: EtcdServerTls;
}

export interface EtcdServerTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** For the client of the test. */
  readonly client: EtcdTls;
}

export interface MemberAddress {
  readonly name: string;
  readonly host: string;
  readonly client: number;
  readonly peer: number;
}

export async function startEtcd({ members: count, quotaBytes, tls }: EtcdClusterOptions): Promise<EtcdCluster> {
  const parent = await mkdtemp(join(tmpdir(), "gpusched-etcd-"));
  const addresses: MemberAddress[] = [];
  for (let n = 0; n < count; n += 1) {
    addresses.push({ name: `member-${n}`, host: "127.0.0.1", client: await freePort(), peer: await freePort() });
  }
  const quota = quotaBytes === undefined ? [] : ["--quota-backend-bytes", String(quotaBytes)];
  const members = addresses.map((one) =>
    startMember(one, [
      ...memberArgs(one, addresses, join(parent, one.name), tls ? "https" : "http"),
      ...tlsArgs(tls),
      ...quota,
    ]),
  );
  const endpoints = members.map(({ endpoint }) => endpoint);
  const client = new EtcdClient({ endpoints, tls: tls?.client });
  const untilReady = () => untilAnswered(client);
  const close = async () => {
    client.close();
    await Promise.all(members.map((member) => member.kill()));
    await rm(parent, { recursive: true, force: true });
  };
  try {
    await untilReady();
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoints, members, client, untilReady, close };
}

/** Skips a test where there is no etcd and none could be installed: `npm test` does that if it may. */
export function skipWithoutEtcd(context: { skip: (condition: boolean, reason: string) => void }): void {
  context.skip(!hasEtcd(), "etcd is not installed: apt-get install etcd-server");
}

export function hasEtcd(): boolean {
  return spawnSync("etcd", ["--version"], { stdio: "ignore" }).status === 0;
}

/** The command line of one of these members; it listens where the cluster's others are told that it does. */
export function memberArgs(
  one: MemberAddress,
  all: readonly MemberAddress[],
  dataDir: string,
  scheme: "http" | "https" = "http",
): string[] {
  const clientUrl = `${scheme}://${one.host}:${one.client}`;
  const cluster = all.map((each) => `${each.name}=${peerUrlOf(each)}`).join(",");
  const logs = ["--log-level", "error", "--logger", "zap"];
  const clients = ["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl];
  const peers = ["--listen-peer-urls", peerUrlOf(one), "--initial-advertise-peer-urls", peerUrlOf(one)];
  return ["--name", one.name, "--data-dir", dataDir, ...logs, ...clients, ...peers, "--initial-cluster", cluster];
}

/** Of the members' side towards clients alone. */
function tlsArgs(tls: EtcdServerTls | undefined): string[] {
  if (!tls) return [];
  const own = ["--cert-file", tls.certFile, "--key-file", tls.keyFile];
  return [...own, "--trusted-ca-file", tls.caFile, "--client-cert-auth"];
}

function peerUrlOf({ host, peer }: MemberAddress): string {
  return `http://${host}:${peer}`;
}

function startMember({ host, client }: MemberAddress, args: readonly string[]): EtcdMember {
  const endpoint = `${host}:${client}`;
  let child: ChildProcess;
  const start = () => {
    child = spawn("etcd", args, { stdio: ["ignore", "ignore", "ignore"] });
    // Seen by whoever waits for it to answer.
    child.on("error", () => undefined);
  };
  start();
  return {
    endpoint,
    restart: start,
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    kill: async () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function untilAnswered(client: EtcdClient): Promise<void> {
  const giveUpAtMs = performance.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await client.range({ key: Buffer.from("ready?") });
      return;
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
      await sleep(POLL_MS);
    }
  }
}
