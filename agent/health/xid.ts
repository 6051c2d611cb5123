/**
 * What NVIDIA's XIDs say of a device. Sources: NVIDIA's Xid catalog (docs.nvidia.com/deploy/xid-errors, "resolution buckets"), the
 * driver's nverror.h for the names, and the list of application errors of NVIDIA's own device plugin for Kubernetes
 * (internal/rm/health.go: 13, 31, 43, 45, 68, 109). Where the catalog's immediate action is only about the application, but the
 * device needs a reset soon (63, 94), the device gets no new jobs until then: its memory is being repaired under it.
 */

/**
 * `application`: a job's own doing, or a remark; the device stays healthy. `watch`: may be the device; it is suspect for a while.
 * `reset`: it needs a reset or a reboot. `reboot`: a reset does not reach it.
 */
export type XidMeaning = "application" | "watch" | "reset" | "reboot";

export interface Xid {
  readonly meaning: XidMeaning;
  /** What happened, to follow "XID 79: ". */
  readonly text: string;
}

type Row = readonly [
  codes: readonly (number | readonly [first: number, last: number])[],
  meaning: XidMeaning,
  text: string,
];

const ROWS: readonly Row[] = [
  [[13], "application", "graphics engine exception: a program of the job read or wrote where it may not"],
  [[31], "application", "memory page fault: a program of the job used a wrong address"],
  [[43], "application", "a program of the job stopped responding"],
  [[45], "application", "what a program had on the GPU was removed after its end"],
  [[68], "application", "video decoder exception"],
  [[109], "application", "a program did not leave the GPU in time"],
  [[14, 37, 38, 44, 66, 67, 106, 107, 137, 141, 152, 153], "application", "a remark of the driver, of no consequence"],
  [[8], "watch", "a program stopped being served"],
  [[11, 25, 32, 69, 80], "watch", "invalid or damaged commands reached the GPU"],
  [[[39, 41], [70, 72], [75, 77], 85, [126, 135]], "watch", "copy engine error"],
  [[60, 86, 139], "watch", "engine error"],
  [[82, 83, 84, 88, 89, [96, 105]], "watch", "video engine error"],
  [[92], "watch", "many corrected errors of its memory"],
  [[93], "watch", "its InfoROM was written too often"],
  [[121], "watch", "error of the link to its CPU, corrected"],
  [[159], "watch", "error on the link to its CPU"],
  [[157, 161], "watch", "a part of it that fails could not be retired"],
  [[46], "reset", "the GPU stopped processing"],
  [[48], "reset", "uncorrectable error of its memory (double-bit ECC)"],
  [[54], "reboot", "its extra power is missing: look at the cables"],
  [[57, 58], "reboot", "its memory interface is unstable"],
  [[61], "reset", "its power controller met a breakpoint"],
  [[62], "reset", "its power controller has halted"],
  [[63], "reset", "a row or page of its memory is to be replaced at the next reset"],
  [[64], "reset", "a row or page of its memory could not be marked for replacement"],
  [[74], "reset", "NVLink error"],
  [[79], "reboot", "the GPU has fallen off the bus"],
  [[90], "reset", "error of its cache"],
  [[94], "reset", "uncorrectable error of its memory, contained to one program"],
  [[95], "reset", "uncorrectable error of its memory, not contained"],
  [[110], "reset", "security fault"],
  [[119], "reset", "its system processor (GSP) does not answer"],
  [[120], "reset", "its system processor (GSP) failed"],
  [[122, 123, 124], "reset", "its flash memory cannot be used"],
  [[125], "reset", "its InfoROM is damaged"],
  [[136], "reset", "an NVLink could not be trained"],
  [[140], "reset", "uncorrectable error of its memory that was not reported"],
  [[143], "reset", "the GPU could not be initialized"],
  [[[144, 150]], "reset", "NVLink error"],
  [[151], "reboot", "its keys could not be changed"],
  [[155], "reset", "NVLink error reported by software"],
  [[156], "reset", "a part of it that fails is to be retired at the next reset"],
  [[158], "reset", "fatal timeout"],
  [[160], "reboot", "a memory channel of it is to be retired"],
  [[162], "reset", "error of its power smoothing"],
];

const XIDS: ReadonlyMap<number, Xid> = new Map(
  ROWS.flatMap(([codes, meaning, text]) =>
    codes.flatMap((code) => rangeOf(code).map((number) => [number, { meaning, text }] as const)),
  ),
);

function rangeOf(code: number | readonly [number, number]): readonly number[] {
  if (typeof code === "number") return [code];
  const [first, last] = code;
  return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
}

/** What the XID says; one that is not in the table may be the device's. XID 154 only names what another one asks for. */
export function xidOf(code: number): Xid {
  if (code === RECOVERY_ACTION_CHANGED) return { meaning: "application", text: "tells what another XID asks for" };
  return XIDS.get(code) ?? { meaning: "watch", text: "not known to this agent" };
}

const RECOVERY_ACTION_CHANGED = 154;

/** `XID 79: the GPU has fallen off the bus` */
export function describeXid(code: number): string {
  return `XID ${code}: ${xidOf(code).text}`;
}
