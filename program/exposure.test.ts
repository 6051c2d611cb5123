import { expect, test } from "vitest";
import { silentLogger } from "../base/logger.ts";
import { checkExposure, InsecureError } from "./exposure.ts";

const check = (host: string, insecure: boolean) => () => checkExposure("the REST API", host, insecure, silentLogger);

test.each(["127.0.0.1", "127.0.0.2", "::1", "localhost"])("%s needs no permission", (host) => {
  expect(check(host, false)).not.toThrow();
});

test.each(["0.0.0.0", "::", "192.168.1.7", "fe80::1", "gpu-host", ""])("%j needs --insecure", (host) => {
  expect(check(host, false)).toThrow(InsecureError);
  expect(check(host, true)).not.toThrow();
});
