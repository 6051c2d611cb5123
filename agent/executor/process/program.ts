import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { constants as osConstants } from "node:os";
import { delimiter, resolve } from "node:path";
import { systemErrorCode } from "../../../base/errors.ts";

const MAX_INTERPRETER_LINE = 256;

/**
 * Looks for a program as execvp(3) would.
 *
 * @throws the error with which it could not be executed
 */
export async function checkProgram(program: string, cwd: string, path = "/usr/bin:/bin"): Promise<void> {
  if (program === "") throw systemError("ENOENT");
  if (program.includes("/")) return await checkFile(resolve(cwd, program));
  let failure = systemError("ENOENT");
  for (const directory of path.split(delimiter)) {
    try {
      return await checkFile(resolve(cwd, directory, program));
    } catch (error) {
      // One that may not be executed is told of if no other is found.
      if (systemErrorCode(error) === "EACCES") failure = systemError("EACCES");
    }
  }
  throw failure;
}

async function checkFile(file: string): Promise<void> {
  const stats = await stat(file);
  if (!stats.isFile()) throw systemError("EACCES");
  await access(file, constants.X_OK);
  const interpreter = await interpreterOf(file);
  if (interpreter !== undefined) await access(interpreter, constants.X_OK);
}

/** What a script's first line names. */
async function interpreterOf(file: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await beginningOf(file);
  } catch {
    // What may be executed need not be readable.
    return undefined;
  }
  return /^#![ \t]*(\/[^\s]*)/.exec(text)?.[1];
}

async function beginningOf(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_INTERPRETER_LINE), 0, MAX_INTERPRETER_LINE, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function systemError(code: "ENOENT" | "EACCES"): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code, errno: -osConstants.errno[code] });
}
