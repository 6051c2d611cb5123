import { expect, test } from "vitest";
import { EngineError } from "../engine-client.ts";
import { PullError } from "./image-pull.ts";
import { pullFailure, type Retry } from "./pull-failure.ts";

const IMAGE = "r.example/a/b:1";
const facts = { image: IMAGE, hasAuth: false };

const PULLS: [string, string, Retry["kind"], string][] = [
  [`manifest for ${IMAGE} not found: manifest unknown: manifest unknown`, "bad-request", "never", "image not found: "],
  [
    "pull access denied for a/b, repository does not exist or may require 'docker login'",
    "bad-request",
    "never",
    "denied",
  ],
  ["error parsing HTTP 403 response body: invalid character", "bad-request", "never", "access to it denied: "],
  [
    "Head https://r/v2/a: no basic auth credentials",
    "bad-request",
    "never",
    "credentials for r.example (--registry-auth)",
  ],
  ["no matching manifest for linux/arm64/v8 in the manifest list entries", "bad-request", "never", "kind of machine: "],
  ["invalid reference format: repository name must be lowercase", "bad-request", "never", "not the name of an image"],
  ["unauthorized: incorrect username or password", "node", "never", "does not accept the credentials"],
  ["write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "node", "never", "this node's disk is full"],
  ["http: server gave HTTP response to HTTPS client", "node", "never", "insecure-registries"],
  ["x509: certificate signed by unknown authority", "node", "never", "does not trust its registry"],
  ["toomanyrequests: You have reached your pull rate limit", "node", "throttled", "refuses more requests for now"],
  ["filesystem layer verification failed for digest sha256:00", "node", "soon", "does not have the digest"],
  ["received unexpected HTTP status: 503 Service Unavailable", "node", "soon", "503 Service Unavailable"],
  ['Get "https://r/v2/": dial tcp: lookup r on 10.0.0.2:53: no such host', "node", "soon", "cannot be reached"],
  ["net/http: TLS handshake timeout", "node", "soon", "its registry cannot be reached"],
  ["unexpected EOF", "node", "soon", "the connection to its registry broke off"],
  ["expected HTTP 206 from byte range request", "node", "soon", "broke off"],
  ["something that nobody has foreseen", "node", "soon", "something that nobody has foreseen"],
];

test.each(PULLS)("a pull that fails with %j is told as %s and tried again %s", (text, kind, retry, message) => {
  const found = pullFailure(facts, new PullError(text));
  expect(found.end).toEqual({ kind, message: expect.stringContaining(message) });
  expect(found.retry.kind).toBe(retry);
  expect(found.end.message).toContain(kind === "node" ? `could not pull image ${IMAGE}: ` : IMAGE);
  // Where a registry's name is resolved is nobody's business.
  expect(found.end.message).not.toContain("10.0.0.2");
});

test("what is denied to the node's own credentials is told so", () => {
  const { end } = pullFailure({ image: IMAGE, hasAuth: true }, new PullError("denied: requested access is denied"));
  expect(end.message).toMatch(/check its name; the credentials that this node has for r\.example may not allow it$/);
});

test.each([
  ["toomanyrequests: retry-after: 1.5s, allowed: 44000/minute", 1_500],
  ["429 Too Many Requests (Retry-After: 20)", 20_000],
  ["toomanyrequests: retry-after: 484.59µs, allowed: 1/m", 1],
  ["toomanyrequests", undefined],
])("a registry that says %j is given its time", (text, afterMs) => {
  expect(pullFailure(facts, new PullError(text)).retry).toEqual({ kind: "throttled", afterMs });
});

test("an engine that does not answer is the node's fault, in its own words, and is not tried again", () => {
  const silent = new EngineError("Docker does not answer at /run/docker.sock", undefined, undefined);
  const end = { kind: "node", message: silent.message };
  expect(pullFailure(facts, silent)).toEqual({ end, retry: { kind: "never" } });
});
