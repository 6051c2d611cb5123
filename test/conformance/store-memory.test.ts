import { createMemoryStore, MemoryDisk } from "../../controller/store/memory-store.ts";
import { describeStoreConformance } from "./store-conformance.ts";

describeStoreConformance("memory", async () => {
  const disk = new MemoryDisk();
  return {
    whileHeld: "fences",
    open: async () => createMemoryStore(disk),
    remove: async () => undefined,
  };
});
