import { createMemoryStore, MemoryDisk } from "../../controller/store/memory-store.ts";
import type { Store, Write } from "../../controller/store/store.ts";

/** A store whose commits wait for the test's word, and may fail by it. */
export function gatedStore(disk = new MemoryDisk()) {
  const inner = createMemoryStore(disk);
  const commits: { writes: readonly Write[]; allow: () => void; fail: (error: Error) => void }[] = [];
  const store: Store = {
    kind: "memory",
    tenure: inner.tenure,
    load: () => inner.load(),
    commit: (writes) =>
      new Promise((resolve, reject) => {
        commits.push({ writes, allow: () => resolve(inner.commit(writes)), fail: reject });
      }),
    close: () => inner.close(),
  };
  return { store, commits };
}
