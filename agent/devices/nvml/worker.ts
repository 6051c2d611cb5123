/**
 * The process that NVML is called in: a sick driver may never return from a call, or end whoever called it. It is sent a
 * call's name and sends back its answer; it ends with its parent.
 */
import { flushCompileCache } from "node:module";
import { messageOf } from "../../../base/errors.ts";
import { giveBackMemory } from "../../../base/give-back.ts";
import type { NvmlAnswer, NvmlCall } from "./messages.ts";

type Library = InstanceType<typeof import("./library.ts")["NvmlLibrary"]>;

const [path = ""] = process.argv.slice(2);
let library: Library | undefined;

giveBackMemory();
process.on("disconnect", () => process.exit());
process.on("message", (call: NvmlCall) => {
  void answer(call).then((result) => process.send?.(result));
});

async function answer(call: NvmlCall): Promise<NvmlAnswer> {
  if (call === "open") return open();
  if (!library) return { error: "NVML is not open", isAbsent: false };
  try {
    return { value: call === "list" ? library.list() : library.read() };
  } catch (error) {
    return { error: messageOf(error), isAbsent: false };
  }
}

async function open(): Promise<NvmlAnswer> {
  try {
    // Not at the top: where koffi has no binary for this platform, loading it fails.
    const { NvmlLibrary } = await import("./library.ts");
    // It is killed in the end, and keeps nothing then.
    flushCompileCache();
    library = new NvmlLibrary(path);
    return { value: library.driver() };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "NvmlError") {
      return { error: `cannot load ${path}: ${messageOf(error)}`, isAbsent: true };
    }
    return { error: error.message, isAbsent: "isAbsence" in error && error.isAbsence === true };
  }
}
