/** Who may import whom. build/check.ts asserts that every file was really read. */
const TEST = "\\.test\\.ts$|^test/";

const PURE_BASE = "^base/(assert|backoff|errors|ids|time)\\.ts$";

/** A rule: modules that match `from` never import modules that match `to`. */
function never(name, comment, from, to) {
  return { name, comment, severity: "error", from, to };
}

module.exports = {
  forbidden: [
    never("no-cycles", "Data flows one way.", {}, { circular: true }),
    never(
      "no-orphans",
      "What nothing imports is dead, unless it is where a process or a worker starts.",
      {
        orphan: true,
        pathNot: [TEST, "^build/", "^bench/", "\\.config\\.ts$", "^proto/generated/"],
      },
      {},
    ),
    never("no-unresolved", "Every import must be found.", {}, { couldNotResolve: true }),
    never("no-test-code", "Production code never imports test code.", { pathNot: [TEST, "^bench/"] }, { path: TEST }),
    never(
      "no-dev-dependencies",
      "What is installed without them must run.",
      {
        path: "^(base|contract|proto|controller|agent|gateway|program|cli|web)/",
        pathNot: TEST,
      },
      { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
    ),

    never(
      "base-is-the-bottom",
      "base imports nothing of ours.",
      { path: "^base/" },
      {
        path: "^(contract|proto|controller|agent|gateway|program|cli|web|build|bench)/",
      },
    ),
    never(
      "contract-stands-alone",
      "contract imports base, zod and itself (of Node.js, only the grammar of addresses).",
      { path: "^contract/", pathNot: TEST },
      {
        pathNot: ["^base/", "^contract/", "^net$", "^node_modules/(zod|zod-openapi)/"],
      },
    ),
    never(
      "contract-is-for-the-edges",
      "The rest of the parts speak protobuf or their own types; what may run on a host its agent checks by the same bounds.",
      {
        path: "^(controller|agent|proto)/",
        pathNot: ["^controller/rpc/", "^agent/(executor|policy|uplink|volumes)/", TEST],
      },
      { path: "^contract/" },
    ),
    never(
      "proto-knows-no-part",
      "Generated types and their loader import no part.",
      { path: "^proto/" },
      {
        path: "^(base|contract|controller|agent|gateway|program|cli|web)/",
      },
    ),

    ...["controller", "agent", "gateway", "cli", "web"].map((part) =>
      never(
        `${part}-knows-no-other-part`,
        "Parts meet in proto, contract and base; only program knows them all.",
        {
          path: `^${part}/`,
          pathNot: TEST,
        },
        { path: "^(controller|agent|gateway|cli|web|program|build|bench)/", pathNot: `^${part}/` },
      ),
    ),
    never(
      "clients-speak-rest",
      "The command line and the page are clients of the REST API and nothing else.",
      {
        path: "^(cli|web)/",
        pathNot: TEST,
      },
      { path: "^proto/" },
    ),

    never(
      "controller-core-is-pure",
      "The core imports itself and pure files of base; no packages, no Node.js.",
      { path: "^controller/core/", pathNot: TEST },
      { pathNot: ["^controller/core/", PURE_BASE] },
    ),
    never(
      "replay-is-pure",
      "The replay drives the core and nothing else: no packages, no Node.js, no store, no network.",
      { path: "^controller/replay/", pathNot: TEST },
      { pathNot: ["^controller/(core|replay)/", PURE_BASE] },
    ),
    never(
      "agent-core-is-pure",
      "The core imports itself, pure files of base and its shell's interface.",
      { path: "^agent/core/", pathNot: TEST },
      { pathNot: ["^agent/core/", PURE_BASE, "^agent/executor/executor\\.ts$"] },
    ),
    never(
      "agent-core-imports-types",
      "Of its shell the core knows types, never code.",
      { path: "^agent/core/", pathNot: TEST },
      { path: "^agent/", pathNot: "^agent/core/", dependencyTypesNot: ["type-only"] },
    ),
    never(
      "agent-truth-core-is-pure",
      "What is judged of processes imports itself, pure files of base and what an executor says of itself.",
      { path: "^agent/truth/core/", pathNot: TEST },
      { pathNot: ["^agent/truth/core/", PURE_BASE, "^agent/executor/executor\\.ts$"] },
    ),
    never(
      "store-knows-no-loop",
      "Data flows rpc → loop → core → store.",
      { path: "^controller/store/", pathNot: TEST },
      {
        path: "^controller/(core|loop|rpc)/",
      },
    ),
    never(
      "loop-knows-no-rpc",
      "Data flows rpc → loop → core → store.",
      { path: "^controller/loop/", pathNot: TEST },
      {
        path: "^controller/rpc/",
      },
    ),
  ],
  options: {
    doNotFollow: { path: "^node_modules/" },
    exclude: { path: "^(dist|data)/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types", "default"] },
    moduleSystems: ["es6"],
  },
};
