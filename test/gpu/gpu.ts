/**
 * `npm run test:gpu`: the whole stack on a real NVIDIA GPU, with a real CUDA process as a job, and what was seen of it. Needs
 * Node.js and this tree, nothing else; without a GPU it says so.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { NvmlSource } from "../../agent/devices/nvml/nvml-source.ts";
import { messageOf } from "../../base/errors.ts";
import { silentLogger } from "../../base/logger.ts";
import { startDev } from "../support/dev-process.ts";
import { RestClient } from "../support/rest-client.ts";
import { CUDA_CHILD, whyNoGpu } from "./why-no-gpu.ts";

const HELD_MB = 1_024;
const HELD_S = 12;
const WITHIN_MS = 60_000;
const POLL_MS = 500;

interface SeenDevice {
  readonly id: string;
  readonly model: string;
  readonly memory_mb: number;
  readonly memory_used_mb: number | null;
  readonly holder: { readonly job_id: string } | null;
  readonly [field: string]: unknown;
}

interface SeenNode {
  readonly device_source: string;
  readonly device_source_reason: string;
  readonly driver_version: string;
  readonly devices: readonly SeenDevice[];
  readonly findings?: readonly { readonly check: string; readonly severity: string; readonly message: string }[];
}

/** What the CUDA program printed. */
interface Told {
  readonly pid?: number;
  readonly visible?: string | null;
  readonly devices?: readonly { readonly name: string; readonly uuid: string; readonly memoryMb: number }[];
  readonly wrongAt?: number;
  readonly computed?: number;
  readonly error?: string;
}

let failures = 0;

const reason = whyNoGpu();
if (reason === undefined) await run();
else console.log(`not run: ${reason}`);
process.exit(failures === 0 ? 0 : 1);

async function run(): Promise<void> {
  const environment = libraries("GPUSCHED_NVML_LIBRARY");
  const dev = await startDev({ flags: ["--executor", "process", "--heartbeat", "1s"], environment });
  try {
    await lookAtAll(new RestClient(dev.url));
  } catch (error) {
    expect("the run came to its end", false, messageOf(error));
    console.log(dev.output());
  } finally {
    await dev.close();
  }
  console.log(failures === 0 ? "all as it should be" : `${failures} not as they should be`);
}

async function lookAtAll(rest: RestClient): Promise<void> {
  const node = await until("the node tells its devices", async () => {
    const seen = await onlyNode(rest);
    return seen && seen.devices.length > 0 ? seen : undefined;
  });
  tellNode(node);
  const job = { name: "cuda", gpu_count: 1, gpu_memory_mb: HELD_MB };
  const id = await submit(rest, job, ["hold", String(HELD_MB), String(HELD_S)]);
  const { told, granted, raw } = await untilHolding(rest, id);
  console.log(`the job's own view: ${raw}`);
  const [own] = told[0]?.devices ?? [];
  expect("the job sees one device", told[0]?.devices?.length === 1, `it sees ${told[0]?.devices?.length}`);
  expect("it is the one that was granted", own?.uuid === granted, `granted ${granted}, seen ${own?.uuid}`);
  expect("it computed on it", told[1]?.wrongAt === -1, `${told[1]?.computed} numbers, wrong at ${told[1]?.wrongAt}`);
  await lookAtDevice(rest, granted, told[0]?.pid);
  const end = await rest.jobWhen(id, ({ phase }) => phase === "finished");
  expect("the job completed", end.state === "completed", JSON.stringify(end));
  await lookWithout(rest);
}

function tellNode(node: SeenNode): void {
  const { device_source, device_source_reason, driver_version, devices, findings = [] } = node;
  console.log(`driver ${driver_version}, devices by ${device_source}: ${device_source_reason}`);
  for (const device of devices) console.log(`device ${JSON.stringify(device)}`);
  for (const { check, severity, message } of findings) console.log(`${severity} ${check}: ${message}`);
  expect("devices are read by NVML", device_source === "nvml", device_source_reason);
}

/** What the API and the driver say while the job holds its memory. */
async function lookAtDevice(rest: RestClient, granted: string, pid: number | undefined): Promise<void> {
  const used = await until("the node tells of the memory in use", async () => {
    const device = (await onlyNode(rest))?.devices.find(({ id }) => id === granted);
    return (device?.memory_used_mb ?? 0) >= HELD_MB ? device : undefined;
  }).catch(() => undefined);
  expect("the API tells of its memory", used !== undefined, `${used?.memory_used_mb} MB of ${used?.memory_mb} in use`);
  if (used) console.log(`while it runs: ${JSON.stringify(used)}`);
  const nvml = new NvmlSource(silentLogger);
  try {
    await nvml.list();
    const readings = await nvml.read();
    const holds = ({ processes }: (typeof readings)[number]) => processes?.some((process) => process.pid === pid);
    const on = readings.filter(holds).map(({ id }) => String(id));
    const processes = readings.find(({ id }) => String(id) === granted)?.processes;
    const isOnlyThere = on.length === 1 && on[0] === granted;
    // In a container the driver tells the host's numbers, or none at all.
    const isHidden = on.length === 0 && (processes === undefined || !processes.some(({ pid: other }) => isHere(other)));
    console.log(`processes on it, as the agent reads them: ${JSON.stringify(processes ?? null)}`);
    const note = isHidden ? "the driver does not tell this host's process numbers, as in a container" : on.join(", ");
    expect("its process is on the granted device, and on no other", isOnlyThere || isHidden, note);
  } finally {
    await nvml.close();
  }
}

function isHere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A job that has no device may not use one, and all are free again. */
async function lookWithout(rest: RestClient): Promise<void> {
  const id = await submit(rest, { name: "no-gpu", gpu_count: 0 }, ["count"]);
  await rest.jobWhen(id, ({ phase }) => phase === "finished");
  const [told] = await output(rest, id);
  expect("a job without GPUs sees none", told?.devices?.length === 0, JSON.stringify(told ?? null));
  const isFree = async () => {
    const status = await rest.json<{ available_gpus: number; total_gpus: number }>("GET", "/cluster/status");
    return status.available_gpus === status.total_gpus || undefined;
  };
  const free = await until("all devices are free", isFree).catch(() => false);
  expect("all devices are free again", free, "");
}

async function onlyNode(rest: RestClient): Promise<SeenNode | undefined> {
  const answer = await rest.ask("GET", "/nodes");
  if (answer?.status !== 200) return undefined;
  return (JSON.parse(answer.text) as { nodes: readonly SeenNode[] }).nodes[0];
}

function submit(rest: RestClient, job: object, args: readonly string[]): Promise<string> {
  const environment = libraries("CUDA_LIBRARY");
  const what = { tenant_id: "tenant-123", command: [process.execPath, CUDA_CHILD], args, environment };
  return rest.submit({ ...job, ...what });
}

async function untilHolding(rest: RestClient, id: string) {
  return until("the job holds its memory", async () => {
    const told = await output(rest, id);
    const problem = told.find(({ error }) => error !== undefined);
    if (problem) throw new Error(`the job could not use its device: ${problem.error}`);
    const granted = (await onlyNode(rest))?.devices.find(({ holder }) => holder?.job_id === id)?.id;
    if (told.length < 2 || granted === undefined) return undefined;
    return { told, granted, raw: told.map((line) => JSON.stringify(line)).join(" ") };
  });
}

async function output(rest: RestClient, id: string): Promise<readonly Told[]> {
  const answer = await rest.ask("GET", `/jobs/${id}/logs`);
  if (answer?.status !== 200) return [];
  const lines = answer.text.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Told);
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const giveUpAt = performance.now() + WITHIN_MS; performance.now() < giveUpAt; await sleep(POLL_MS)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`waited ${WITHIN_MS / 1_000} s in vain until ${what}`);
}

/** Where whoever runs this wants another one than the system's. */
function libraries(name: string): Record<string, string> {
  const path = process.env[name];
  return path === undefined ? {} : { [name]: path };
}

function expect(what: string, holds: boolean, detail: string): void {
  if (!holds) failures += 1;
  console.log(`${holds ? "ok     " : "FAILED "} ${what}${detail === "" ? "" : `: ${detail}`}`);
}
