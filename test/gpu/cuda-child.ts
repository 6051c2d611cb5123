/**
 * `node cuda-child.ts count`: how many devices CUDA gives this process. `node cuda-child.ts hold MB SECONDS`: computes on the first
 * one, and holds so much of its memory for so long. Prints JSON, a line each.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../base/errors.ts";
import { CudaLibrary } from "./cuda-library.ts";

const NUMBERS = 100_000;
const [what, megabytes, seconds] = process.argv.slice(2);

try {
  const cuda = new CudaLibrary(process.env["CUDA_LIBRARY"] ?? "libcuda.so.1");
  const devices = Array.from({ length: cuda.count() }, (_, index) => cuda.describe(index));
  tell({ pid: process.pid, visible: process.env["CUDA_VISIBLE_DEVICES"] ?? null, devices });
  if (what === "hold") await hold(cuda, Number(megabytes), Number(seconds));
} catch (error) {
  tell({ error: messageOf(error) });
  process.exitCode = 1;
}

async function hold(cuda: CudaLibrary, heldMb: number, forS: number): Promise<void> {
  cuda.use(0);
  const address = cuda.allocate(heldMb * 1_048_576);
  const numbers = cuda.compute(address, NUMBERS);
  const wrong = numbers.findIndex((number, index) => number !== index * 3);
  tell({ heldMb, computed: NUMBERS, wrongAt: wrong });
  await sleep(forS * 1_000);
  tell({ over: true });
}

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
