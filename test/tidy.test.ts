/** The house rules that no other tool checks. A rule that fails says which file, which line, and what to do. */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { staleGeneratedTypes } from "../build/generated-types.ts";
import { root, typeScriptFiles } from "../build/source-files.ts";

const LINES_WARNING = 300;
const MAX_LINES = 400;
const MAX_FUNCTION_LINES = 70;

/** Files whose exported names all need a docstring: the core, and the interfaces that others implement. */
const DOCUMENTED =
  /^(controller|agent)\/core\/|^controller\/replay\/|^(controller\/store\/store|agent\/executor\/executor|agent\/devices\/device-source)\.ts$/;
const CORE = /^(controller|agent)\/core\/|^controller\/replay\//;

const sources = typeScriptFiles()
  .filter((name) => !name.startsWith("proto/generated/"))
  .map((name) => parse(name));
const production = sources.filter(({ name }) => !isTest(name));

interface Source {
  readonly name: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function parse(name: string): Source {
  const text = readFileSync(join(root, name), "utf8");
  return { name, text, tree: ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true) };
}

function isTest(name: string): boolean {
  return name.endsWith(".test.ts");
}

function line({ tree }: Source, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

/** Every node of the tree, parents first. */
function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

/** `file:line: text` for each line that matches. */
function grep(files: readonly { name: string; text: string }[], pattern: RegExp): string[] {
  return files.flatMap(({ name, text }) =>
    text.split("\n").flatMap((content, index) => {
      return pattern.test(content) ? [`${name}:${index + 1}: ${content.trim()}`] : [];
    }),
  );
}

test("there is code to look at", () => {
  expect(production.length).toBeGreaterThan(50);
});

describe("files", () => {
  test("have names in kebab-case", () => {
    const names = sources.map(({ name }) => name);
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.property)?(\.test)?\.ts$/.test(basename(name)))).toEqual(
      [],
    );
  });

  test(`have at most ${MAX_LINES} lines`, () => {
    const lengths = sources.map(({ name, text }) => ({ name, lines: text.split("\n").length - 1 }));
    const long = lengths.filter(({ lines }) => lines > LINES_WARNING && lines <= MAX_LINES);
    for (const { name, lines } of long) console.warn(`${name} has ${lines} lines: think about dividing it`);
    expect(lengths.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
  });

  test("leave nothing for later", () => {
    // In pieces, so that this line is not found itself.
    const forLater = new RegExp(
      `\\b(${["TO", "FIX"].map((start, index) => start + ["DO", "ME"][index]).join("|")})\\b`,
    );
    expect(grep(sources, forLater)).toEqual([]);
  });

  test("know no path of the machine they were written on", () => {
    const names = globSync("**/*.{ts,cjs,json,proto,md,yaml,yml,service,sh}", {
      cwd: root,
      exclude: (name) => /^(node_modules|dist|data|coverage|\.git)$|^package-lock\.json$/.test(name),
    });
    const files = [...names, "bin/gpusched", ".ci/run"].map((name) => ({
      name,
      text: readFileSync(join(root, name), "utf8"),
    }));
    const machinePath = new RegExp(
      `(?<![\\w.~*-])/(${["work", "root(?!/\\.ssh)", "home"].join("|")})(/|\\b(?![-.\\w]))`,
    );
    expect(grep(files, machinePath)).toEqual([]);
  });

  describe("package-lock.json", () => {
    const text = readFileSync(join(root, "package-lock.json"), "utf8");

    test("names no registry's host", () => {
      expect(grep([{ name: "package-lock.json", text }], /"resolved"/)).toEqual([]);
    });

    test("has the optional packages of every platform, which npm drops when it changes an existing lock", () => {
      const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };
      const locked = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + 13)));
      const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
      expect(wanted.length).toBeGreaterThan(0);
      expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
    });
  });
});

describe("code", () => {
  test(`has functions of at most ${MAX_FUNCTION_LINES} lines`, () => {
    const long = sources.flatMap((source) =>
      [...nodesOf(source.tree)].filter(ts.isFunctionLike).flatMap((node) => {
        // What groups tests is a list, not a function to be understood as a whole.
        if (/(^test\/|\.test\.ts$)/.test(source.name) && /\b(test|describe)(\.\w+)?\(/.test(node.getText())) return [];
        const lines = source.tree.getLineAndCharacterOfPosition(node.end).line + 2 - line(source, node);
        return lines > MAX_FUNCTION_LINES ? [`${source.name}:${line(source, node)} has ${lines} lines`] : [];
      }),
    );
    expect(long).toEqual([]);
  });

  test("has no barrels and no default exports", () => {
    const found = sources.flatMap((source) =>
      source.tree.statements
        .filter((node) => ts.isExportAssignment(node) || (ts.isExportDeclaration(node) && node.moduleSpecifier))
        .map((node) => `${source.name}:${line(source, node)}: ${node.getText()}`),
    );
    expect(found).toEqual([]);
  });

  test("explains every exported name of the core and of the interfaces", () => {
    const unexplained = production
      .filter(({ name }) => DOCUMENTED.test(name))
      .flatMap((source) =>
        source.tree.statements
          .filter((node) => ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(isExport))
          .filter((node) => ts.getJSDocCommentsAndTags(node).length === 0)
          .map((node) => `${source.name}:${line(source, node)}: ${node.getText().split("\n")[0]}`),
      );
    expect(unexplained).toEqual([]);
  });

  test("keeps clocks, chance, processes and input/output out of the core", () => {
    const core = production.filter(({ name }) => CORE.test(name)).map(withoutComments);
    const impure =
      /\b(new Date\b|Date\.|performance\.|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|withJitter)|\b(process|console|globalThis)\.|\bawait\b|\basync\b|from "(node:|[^.])|\bimport\(/;
    expect(core.length).toBeGreaterThan(20);
    expect(grep(core, impure)).toEqual([]);
  });
});

function isExport(modifier: ts.Modifier): boolean {
  return modifier.kind === ts.SyntaxKind.ExportKeyword;
}

/** The same lines, with comments blanked. */
function withoutComments({ name, text }: Source): { name: string; text: string } {
  return { name, text: text.replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, " ")) };
}

describe("tests", () => {
  test("are skipped only while they run, with a reason", () => {
    const tests = sources.filter(({ name }) => isTest(name) && name !== "test/tidy.test.ts");
    expect(grep(tests, /\b(test|it|describe|suite)(\.\w+)*\.(only|skip|skipIf|runIf|todo|fails)\b|\bskip\(\)/)).toEqual(
      [],
    );
  });
});

test("the generated types agree with the protocol", () => {
  expect(staleGeneratedTypes()).toEqual([]);
});
