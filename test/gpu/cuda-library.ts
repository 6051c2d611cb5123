/** The functions of CUDA's driver that are needed, as its header `cuda.h` declares them. */
import koffi, { type LibraryHandle } from "koffi";

const UUID_BYTES = 16;
const NAME_BYTES = 96;
const NO_DEVICE = 100;

/** Fills `count` numbers at `to` with their index times 3; for whatever device the driver compiles it. */
const KERNEL = (target: string) => `
.version 6.5
.target ${target}
.address_size 64
.visible .entry fill(.param .u64 to, .param .u32 count)
{
  .reg .pred %outside;
  .reg .b32 %r<8>;
  .reg .b64 %d<4>;
  ld.param.u64 %d0, [to];
  ld.param.u32 %r0, [count];
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.s32 %r4, %r1, %r2, %r3;
  setp.ge.u32 %outside, %r4, %r0;
  @%outside bra DONE;
  mul.lo.u32 %r5, %r4, 3;
  cvta.to.global.u64 %d1, %d0;
  mul.wide.u32 %d2, %r4, 4;
  add.s64 %d3, %d1, %d2;
  st.global.u32 [%d3], %r5;
DONE:
  ret;
}
`;
/** Drivers give up old ones with time. */
const TARGETS = ["sm_50", "sm_75", "sm_80"];
const THREADS = 256;

/** CUDA's driver, loaded and started. Every call may block for as long as it likes, or end the process. */
export class CudaLibrary {
  readonly #library: LibraryHandle;

  /** Throws if it is not there. */
  constructor(path: string) {
    try {
      this.#library = koffi.load(path);
    } catch (cause) {
      throw new Error(`${path} cannot be loaded`, { cause });
    }
  }

  /** How many devices this process may use. */
  count(): number {
    const status = this.#try("cuInit", "uint", 0);
    if (status === NO_DEVICE) return 0;
    check("cuInit", status);
    const count = [0];
    this.#call("cuDeviceGetCount", "_Out_ int *", count);
    return count[0] ?? 0;
  }

  describe(index: number): { readonly name: string; readonly uuid: string; readonly memoryMb: number } {
    const name = Buffer.alloc(NAME_BYTES);
    const uuid = Buffer.alloc(UUID_BYTES);
    const bytes: (number | bigint)[] = [0];
    this.#call("cuDeviceGetName", "_Out_ uint8 *, int, int", name, NAME_BYTES, index);
    this.#call("cuDeviceGetUuid", "_Out_ uint8 *, int", uuid, index);
    this.#call("cuDeviceTotalMem_v2", "_Out_ size_t *, int", bytes, index);
    const text = name.toString("utf8", 0, Math.max(0, name.indexOf(0)));
    return { name: text, uuid: formatUuid(uuid), memoryMb: Math.floor(Number(bytes[0]) / 1_048_576) };
  }

  /** Makes the device's context this thread's. */
  use(index: number): void {
    const context: unknown[] = [null];
    this.#call("cuDevicePrimaryCtxRetain", "_Out_ void **, int", context, index);
    this.#call("cuCtxSetCurrent", "void *", context[0]);
  }

  /** The address on the device. */
  allocate(bytes: number): bigint {
    const address: (number | bigint)[] = [0];
    this.#call("cuMemAlloc_v2", "_Out_ uint64 *, size_t", address, bytes);
    return BigInt(address[0] ?? 0);
  }

  /** Has the device compute `count` numbers in what was allocated, and reads them. */
  compute(address: bigint, count: number): Uint32Array {
    const kernel = this.#kernel();
    const [to, size] = [koffi.alloc("uint64", 1), koffi.alloc("uint32", 1)];
    koffi.encode(to, "uint64", address);
    koffi.encode(size, "uint32", count);
    const parameters = koffi.alloc("void *", 2);
    koffi.encode(parameters, 0, "void *", to);
    koffi.encode(parameters, koffi.sizeof("void *"), "void *", size);
    const blocks = Math.ceil(count / THREADS);
    const types = "void *, uint, uint, uint, uint, uint, uint, uint, void *, void *, void *";
    this.#call("cuLaunchKernel", types, kernel, blocks, 1, 1, THREADS, 1, 1, 0, null, parameters, null);
    this.#call("cuCtxSynchronize", "");
    const numbers = new Uint32Array(count);
    this.#call("cuMemcpyDtoH_v2", "_Out_ uint8 *, uint64, size_t", new Uint8Array(numbers.buffer), address, count * 4);
    return numbers;
  }

  #kernel(): unknown {
    const module: unknown[] = [null];
    const load = (target: string) =>
      this.#try("cuModuleLoadData", "_Out_ void **, const char *", module, KERNEL(target));
    const statuses = [];
    for (const target of TARGETS) {
      statuses.push(load(target));
      if (statuses.at(-1) === 0) break;
    }
    check("cuModuleLoadData", statuses.at(-1) ?? 0);
    const kernel: unknown[] = [null];
    this.#call("cuModuleGetFunction", "_Out_ void **, void *, const char *", kernel, module[0], "fill");
    return kernel[0];
  }

  #call(name: string, parameters: string, ...args: unknown[]): void {
    check(name, this.#try(name, parameters, ...args));
  }

  #try(name: string, parameters: string, ...args: unknown[]): number {
    return this.#library.func(`int ${name}(${parameters})`)(...args) as number;
  }
}

function check(name: string, status: number): void {
  if (status !== 0) throw new Error(`${name} failed with CUDA error ${status}`);
}

/** As NVML writes it. */
function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return `GPU-${parts.join("-")}`;
}
