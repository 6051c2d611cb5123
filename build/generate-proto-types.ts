/** Writes the TypeScript types of `proto/gpusched/v1` and `proto/etcd` to `proto/generated`, or to the directory given as argument. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const outDir = process.argv[2] ?? join(root, "proto/generated");

rmSync(outDir, { recursive: true, force: true });
execFileSync(
  join(root, "node_modules/.bin/proto-loader-gen-types"),
  [
    "--keepCase",
    "--longs=Number",
    "--enums=String",
    "--oneofs",
    "--defaults",
    "--grpcLib=@grpc/grpc-js",
    "--importFileExtension=.ts",
    "--includeDirs=proto",
    `--outDir=${outDir}`,
    "gpusched/v1/agent.proto",
    "gpusched/v1/peer.proto",
    "gpusched/v1/scheduler.proto",
    "etcd/etcdserver.proto",
  ],
  { stdio: "inherit", cwd: root },
);
