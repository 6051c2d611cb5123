import { readFile } from "node:fs/promises";
import { join } from "node:path";

const ADDRESS = /^(?:([0-9a-f]+):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})(?:\.([0-7]))?$/i;

/** As `00000000:18:00.0`, however it was written: with a domain of four digits, without a function, in any case. */
export function normalPciAddress(text: string): string | undefined {
  const [match, domain = "0", bus = "", device = "", part = "0"] = ADDRESS.exec(text.trim()) ?? [];
  if (match === undefined) return undefined;
  return `${domain.padStart(8, "0")}:${bus.padStart(2, "0")}:${device.padStart(2, "0")}.${part}`.toUpperCase();
}

/** Whether both name one place; no place is the same as one that is not known. */
export function samePciAddress(a: string, b: string): boolean {
  const normal = normalPciAddress(a);
  return normal !== undefined && normal === normalPciAddress(b);
}

/** The node of the host's memory that a device is near to; undefined on a host that has only one, or does not tell. */
export async function numaNodeOf(pciBusId: string, sysfs = "/sys"): Promise<number | undefined> {
  const normal = normalPciAddress(pciBusId);
  if (normal === undefined) return undefined;
  // The kernel's names have a domain of four digits, or more where it needs them.
  const name = normal.replace(/^0{1,4}/, "").toLowerCase();
  const text = await readFile(join(sysfs, "bus/pci/devices", name, "numa_node"), "utf8").catch(() => "");
  const node = Number.parseInt(text, 10);
  return node >= 0 ? node : undefined;
}
