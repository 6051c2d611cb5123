import { processorSecondsOf, withProgram } from "./program-process.ts";

/** Of the processor that the controller has had so far, in all of its threads. */
type ProcessorSeconds = () => Promise<number>;

/** Runs the program's own controller for as long as the work lasts, and gives the work its address once it leads. */
export function withController<T>(
  dataDir: string,
  work: (address: string, processorSeconds: ProcessorSeconds) => Promise<T>,
): Promise<T> {
  const args = ["controller", "--listen", "127.0.0.1:0", "--data-dir", dataDir];
  return withProgram({ args, readyBy: addressIn }, ({ pid, told }) => work(told, () => processorSecondsOf(pid)));
}

function addressIn(line: string): string | undefined {
  const { msg, address } = JSON.parse(line) as { msg?: string; address?: string };
  return msg === "the controller leads" ? address : undefined;
}
