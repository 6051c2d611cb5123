import { expect, test } from "vitest";
import { argvOf } from "./argv.ts";

const rows: [string, { command: string[]; args: string[]; script: string | undefined }, string[]][] = [
  ["a script alone runs in the shell", { command: [], args: [], script: "echo hi" }, ["/bin/sh", "-c", "echo hi"]],
  ["a command alone is the argv", { command: ["python", "-u"], args: [], script: undefined }, ["python", "-u"]],
  ["args follow the command", { command: ["ls"], args: ["-l", "/"], script: undefined }, ["ls", "-l", "/"]],
  ["a script comes last", { command: ["bash", "-c"], args: ["-x"], script: "date" }, ["bash", "-c", "-x", "date"]],
  ["an empty script is a script", { command: [], args: [], script: "" }, ["/bin/sh", "-c", ""]],
  ["nothing is the image's entry point", { command: [], args: [], script: undefined }, []],
  ["args alone are for the image's entry point", { command: [], args: ["--help"], script: undefined }, []],
];

test.each(rows)("%s", (_, spec, argv) => {
  expect(argvOf(spec)).toEqual(argv);
});
