/** Codes of NVML that mean more than that one call failed. */
export const NVML_SUCCESS = 0;
export const NVML_INSUFFICIENT_SIZE = 7;
export const NVML_TIMEOUT = 10;
export const NVML_FUNCTION_NOT_FOUND = 13;
const UNINITIALIZED = 1;
const DRIVER_NOT_LOADED = 9;

const ERRORS: Readonly<Record<number, string>> = {
  1: "the library is not initialised",
  2: "invalid argument",
  3: "not supported",
  4: "no permission",
  6: "not found",
  7: "too little room for the answer",
  8: "the GPU lacks power cables",
  9: "the driver is not loaded",
  10: "timeout",
  11: "the kernel has trouble with the GPU's interrupts",
  12: "a library of the driver was not found",
  13: "the driver does not know this function",
  14: "the GPU's infoROM is corrupted",
  15: "the GPU is lost",
  16: "the GPU requires a reset",
  17: "the operating system or a control group blocks the GPU",
  18: "the driver and its library are of different versions",
  19: "the GPU is in use",
  20: "insufficient memory",
  23: "the driver ran out of resources",
  27: "the GPU is not ready",
  999: "unknown error",
};

/** A call of NVML that failed. */
export class NvmlError extends Error {
  override readonly name = "NvmlError";
  readonly code: number;

  constructor(operation: string, code: number) {
    super(`${operation}: ${ERRORS[code] ?? "error"} (NVML error ${code})`);
    this.code = code;
  }

  /** There is no driver that could answer now. */
  get isAbsence(): boolean {
    return this.code === DRIVER_NOT_LOADED;
  }

  /** Nothing is told any more, of any device. */
  get isOfAll(): boolean {
    return this.code === UNINITIALIZED;
  }
}
