/** Calls of NVML, as its header `nvml.h` declares them: what they take and give, and nothing of what it means. */
import { address, type LibraryHandle, load, struct } from "koffi";
import { NVML_FUNCTION_NOT_FOUND, NVML_SUCCESS, NvmlError } from "./nvml-error.ts";

const TEXT_BYTES = 96;

struct("nvmlMemory", { total: "uint64", free: "uint64", used: "uint64" });
struct("nvmlUtilization", { gpu: "uint", memory: "uint" });
struct("nvmlMargin", { version: "uint", margin: "int" });
struct("nvmlPciInfo", {
  busIdLegacy: "char [16]",
  domain: "uint",
  bus: "uint",
  device: "uint",
  pciDeviceId: "uint",
  pciSubSystemId: "uint",
  busId: "char [32]",
});

/** NVML's handle of a GPU or of a slice. */
export type Handle = unknown;
type NvmlFunction = (...args: unknown[]) => number;

/** NVML, loaded and initialised. Every call may block for as long as the driver likes, or end the process. */
export class NvmlFunctions {
  readonly #library: LibraryHandle;
  readonly #functions = new Map<string, NvmlFunction>();

  /** Throws if the library cannot be loaded or does not start. */
  constructor(path: string) {
    this.#library = load(path);
    this.call("nvmlInit_v2", "");
  }

  /** A function whose last parameter is a number that it sets. */
  number(name: string, parameters: string, ...args: unknown[]): number {
    const out = [0];
    this.call(name, parameters === "" ? "_Out_ uint *" : `${parameters}, _Out_ uint *`, ...args, out);
    return out[0] ?? 0;
  }

  /** As {@link number}, of 64 bits. */
  long(name: string, parameters: string, ...args: unknown[]): bigint {
    const out: [number | bigint] = [0];
    this.call(name, `${parameters}, _Out_ uint64 *`, ...args, out);
    return BigInt(out[0]);
  }

  /** A function whose last parameters are a buffer for a text and its size. */
  text(name: string, parameters: string, ...args: unknown[]): string {
    const buffer = Buffer.alloc(TEXT_BYTES);
    this.call(
      name,
      parameters === "" ? "_Out_ uint8 *, uint" : `${parameters}, _Out_ uint8 *, uint`,
      ...args,
      buffer,
      TEXT_BYTES,
    );
    return buffer.toString("utf8", 0, Math.max(0, buffer.indexOf(0)));
  }

  /** A function whose last parameter is a handle that it sets. */
  handle(name: string, parameters: string, ...args: unknown[]): Handle {
    const out: [Handle] = [null];
    this.call(name, parameters === "" ? "_Out_ void **" : `${parameters}, _Out_ void **`, ...args, out);
    return out[0];
  }

  call(name: string, parameters: string, ...args: unknown[]): void {
    const code = this.codeOf(name, parameters, ...args);
    if (code !== NVML_SUCCESS) throw new NvmlError(name, code);
  }

  /** For those whose failures are answers. A function that the driver does not know is one. */
  codeOf(name: string, parameters: string, ...args: unknown[]): number {
    let found = this.#functions.get(name);
    if (!found) {
      found = this.#lookUp(name, parameters);
      this.#functions.set(name, found);
    }
    return found(...args);
  }

  /** What the driver does not tell is undefined. */
  told<T>(ask: () => T): T | undefined {
    try {
      return ask();
    } catch (error) {
      if (!(error instanceof NvmlError) || error.isOfAll) throw error;
      return undefined;
    }
  }

  #lookUp(name: string, parameters: string): NvmlFunction {
    try {
      return this.#library.func(`int ${name}(${parameters})`);
    } catch {
      return () => NVML_FUNCTION_NOT_FOUND;
    }
  }
}

/** Tells handles apart. */
export function addressOf(handle: Handle): bigint {
  return address(handle);
}
