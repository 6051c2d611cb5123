import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { asDeviceId } from "../../base/ids.ts";
import type { DeviceList, LostDevice } from "./device-source.ts";
import { normalPciAddress } from "./pci.ts";

/** Question marks stand for a UUID that the driver does not know. */
const UUID = /^GPU UUID:\s+(GPU-[0-9a-f-]{36})\s*$/im;
const EXCLUDED = /^GPU Excluded:\s+Yes\s*$/im;

/**
 * Adds the GPUs that NVIDIA's kernel module has taken and that its library and its program do not tell of: they count only
 * what answered when they were started, so that one that was lost before is missing there without a word.
 *
 * @param proc where the module tells of them, `driver/nvidia/gpus` below it; nothing is added where it does not
 */
export async function withUntold(list: DeviceList, proc = "/proc"): Promise<DeviceList> {
  const taken = await gpusOf(join(proc, "driver/nvidia/gpus"));
  const told = new Set([...list.devices, ...list.lost].map(({ pciBusId }) => normalPciAddress(pciBusId)));
  const untold = taken.filter(({ pciBusId }) => !told.has(pciBusId));
  // Those that do not answer and have no address yet are among them.
  const nameless = list.lost.filter(({ pciBusId }) => pciBusId === "");
  if (nameless.length === 0) return { ...list, lost: [...list.lost, ...untold] };
  if (nameless.length !== untold.length) return list;
  const named = untold.map((one, at) => ({ ...one, why: nameless[at]?.why ?? one.why }));
  return { ...list, lost: [...list.lost.filter(({ pciBusId }) => pciBusId !== ""), ...named] };
}

async function gpusOf(directory: string): Promise<LostDevice[]> {
  const places = await readdir(directory).catch((): string[] => []);
  const gpus = places.toSorted().map(async (place): Promise<LostDevice[]> => {
    const pciBusId = normalPciAddress(place);
    const text = await readFile(join(directory, place, "information"), "utf8").catch(() => "");
    if (pciBusId === undefined || EXCLUDED.test(text)) return [];
    const uuid = UUID.exec(text)?.[1];
    const why = `the GPU at ${pciBusId} does not answer, though the driver has taken it`;
    return [{ id: uuid === undefined ? undefined : asDeviceId(uuid), pciBusId, why }];
  });
  return (await Promise.all(gpus)).flat();
}
