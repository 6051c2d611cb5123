import { normalPciAddress } from "./pci.ts";

/** `NVRM: Xid (PCI:0000:18:00): 79, pid=1122, GPU has fallen off the bus.`; of a slice `(PCI:0000:18:00 GPU-I:05)`. */
const XID = /NVRM: Xid \((?:PCI:)?([0-9a-f:.]+)[^)]*\): (\d+)/i;
const FALLEN = /fallen off the bus/i;
/** `NVRM: GPU 0000:18:00.0: GPU has fallen off the bus.`, `NVRM: GPU at 0000:18:00.0 has fallen off the bus.` */
const PLACE = /NVRM: (?:The NVIDIA )?GPU (?:at )?(?:PCI:)?([0-9a-f]+:[0-9a-f]+:[0-9a-f]+(?:\.[0-7])?)/i;
/** What the driver calls it, also where it only says so in words. */
const XID_OF_FALLEN = 79;
/** A sentence about a GPU that is told over several lines is over by then. */
const MAX_LINES_OF_SENTENCE = 4;
const MAX_MESSAGE = 500;

/** A fault that the kernel's log tells of. */
export interface KernelFault {
  readonly pciBusId: string;
  readonly xid: number;
  readonly message: string;
}

/** Finds what the driver of NVIDIA says of faults among the lines of the kernel's log, which come one after the other. */
export class KernelFaults {
  /** Of which GPU the last lines were. */
  #place: { readonly pciBusId: string; readonly lines: string[] } | undefined;

  /** The fault that this line completes. */
  line(line: string): KernelFault | undefined {
    const text = line.trim();
    if (!text.includes("NVRM:")) return undefined;
    const [, place = "", xid = ""] = XID.exec(text) ?? [];
    if (xid !== "") return fault(place, Number(xid), text);
    const [, named] = PLACE.exec(text) ?? [];
    if (named !== undefined) this.#place = { pciBusId: named, lines: [] };
    if (!this.#place) return undefined;
    const { pciBusId, lines } = this.#place;
    lines.push(text.replace(/^.*?NVRM: */, ""));
    const isFallen = FALLEN.test(text);
    if (isFallen || lines.length === MAX_LINES_OF_SENTENCE) this.#place = undefined;
    return isFallen ? fault(pciBusId, XID_OF_FALLEN, `NVRM: ${lines.join(" ")}`) : undefined;
  }
}

function fault(place: string, xid: number, message: string): KernelFault {
  return { pciBusId: normalPciAddress(place) ?? place, xid, message: message.slice(0, MAX_MESSAGE) };
}
