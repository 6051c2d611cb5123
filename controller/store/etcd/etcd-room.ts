/** One member, as it answered. */
export interface MemberHealth {
  readonly endpoint: string;
  readonly version: string;
  /** The size of its file, which counts against its quota, and the part of it that holds something. */
  readonly dbSizeBytes: number;
  readonly dbSizeInUseBytes: number;
  /** How large the file may become. */
  readonly quotaBytes: number;
}

/** From here on an operator is told, and what was is forgotten at once instead of now and then. */
export const WARN_SHARE = 0.6;
/** From here on nothing new is taken: the rest is for what is there. */
const REFUSE_SHARE = 0.8;
/** A file that has grown so far may not grow much more, however little of it holds something: only defragmenting shrinks it. */
const REFUSE_FILE_SHARE = 0.95;
/** By how much more than what is written etcd may grow: pages are written whole, and old ones go a little later. */
const GROWTH = 2;
/** So many looks are taken on the way from where things stood to the limit. */
const LOOKS_ON_THE_WAY = 8;

/** How much of its quota the fullest member has taken: of what holds something, and of its file. */
export function fullness(
  members: readonly MemberHealth[],
  writtenBytes = 0,
): { readonly inUse: number; readonly file: number } {
  const most = (shareOf: (member: MemberHealth) => number) => Math.max(0, ...members.map(shareOf));
  const inUseOf = ({ dbSizeInUseBytes }: MemberHealth) => dbSizeInUseBytes + GROWTH * writtenBytes;
  return {
    inUse: most((member) => inUseOf(member) / member.quotaBytes),
    file: most((member) => Math.max(member.dbSizeBytes, inUseOf(member)) / member.quotaBytes),
  };
}

/**
 * How much may be written before etcd must be asked again how it is: the less, the nearer it is to where nothing new is taken.
 * Beyond that, 0: what is written then is only estimated.
 */
export function bytesUntilNextLook(members: readonly MemberHealth[]): number {
  const left = members.map(({ dbSizeInUseBytes, quotaBytes }) => REFUSE_SHARE * quotaBytes - dbSizeInUseBytes);
  return Math.max(0, Math.min(...left) / GROWTH / LOOKS_ON_THE_WAY);
}

/**
 * Why nothing new is taken, with what an operator must do; undefined while there is room.
 *
 * @param isFull it refuses writes, or its alarm is raised
 * @param writtenBytes since the members answered
 */
export function shortageOf(
  members: readonly MemberHealth[],
  { isFull, writtenBytes }: { readonly isFull: boolean; readonly writtenBytes: number },
): string | undefined {
  if (isFull) {
    return (
      "etcd is full: jobs run on, and nothing is taken or changed until an operator has made room: raise its " +
      "--quota-backend-bytes, run `etcdctl defrag` for every member, then `etcdctl alarm disarm`"
    );
  }
  const { inUse, file } = fullness(members, writtenBytes);
  if (inUse >= REFUSE_SHARE) {
    return (
      `etcd has taken ${percent(inUse)} of its quota, and no new jobs are taken until it is below ${percent(REFUSE_SHARE)}: ` +
      "an operator must raise its --quota-backend-bytes, or keep fewer finished jobs (--keep-finished)"
    );
  }
  if (file < REFUSE_FILE_SHARE) return undefined;
  return (
    `the file of etcd has grown to ${percent(file)} of its quota, and no new jobs are taken until an operator has run ` +
    "`etcdctl defrag` for every member"
  );
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}
