/**
 * Each attempt has a directory of its own to write in. It lies in a volume of the engine's without a name, so that it goes
 * with the container, whoever removes that, and an agent without root's rights can have it made for another user.
 */

/** Where the volume is mounted: only what lies in it can be made to belong to the job's user. */
const ROOT = "/gpusched";
/** `GPUSCHED_SCRATCH_DIR`, and the job's home. */
export const SCRATCH = `${ROOT}/scratch`;
export const SCRATCH_TMP = `${SCRATCH}/tmp`;

/** Nothing that the image has there is copied into it. */
export const SCRATCH_VOLUME = {
  Type: "volume" as const,
  Source: "",
  Target: ROOT,
  VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: "local", Options: {} } },
};
/** Where {@link scratchArchive} is unpacked. */
export const SCRATCH_ROOT = ROOT;

const BLOCK = 512;
const DIRECTORY = "5";
const NAME_LENGTH = 100;

/** A tar archive of the two directories. The image's own user may be anybody: nobody else sees them. */
export function scratchArchive({ uid, gid }: { readonly uid: number; readonly gid: number }): Buffer {
  const names = [SCRATCH, SCRATCH_TMP].map((path) => `${path.slice(ROOT.length + 1)}/`);
  return Buffer.concat([...names.map((name) => header(name, uid, gid)), Buffer.alloc(2 * BLOCK)]);
}

/** The header of a directory, as POSIX has it (ustar). */
function header(name: string, uid: number, gid: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(name, 0, NAME_LENGTH, "latin1");
  const fields = [octal(0o1777, 7), octal(uid, 7), octal(gid, 7), octal(0, 11), octal(0, 11), " ".repeat(8), DIRECTORY];
  block.write(fields.join(""), NAME_LENGTH, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)} `, 148, "latin1");
  return block;
}
