/** `npm run build`: makes `dist/`, which installed packages run, because Node.js strips types only outside of node_modules. */
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
execFileSync(join(root, "node_modules/.bin/tsc"), ["--project", "tsconfig.build.json"], {
  stdio: "inherit",
  cwd: root,
});
// Read at run time, beside proto/load.js.
for (const protocol of ["proto/gpusched", "proto/etcd"]) {
  cpSync(join(root, protocol), join(dist, protocol), { recursive: true });
}
console.log("built dist/");
