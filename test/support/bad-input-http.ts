/** Rows about HTTP itself: sizes, encodings, queries, paths, headers, hosts and slowness. */
import { type BadInputRow, KIB, get, goodJob, job, jobText, jobWithHeaders, raw, request } from "./bad-input-row.ts";

const sizes: readonly BadInputRow[] = [
  jobText("a job of 1 MiB and one byte", 413, `"${"x".repeat(KIB * KIB - 1)}"`),
  request("a tenant of 64 KiB and one byte", 413, {
    method: "POST",
    target: "/api/v1/tenants",
    headers: { "Content-Type": "application/json" },
    body: `"${"x".repeat(64 * KIB - 1)}"`,
  }),
  raw(
    "chunks that add up to more than 1 MiB",
    413,
    "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    ...Array.from({ length: 20 }, () => `10000\r\n${"x".repeat(64 * KIB)}\r\n`),
    "0\r\n\r\n",
  ),
  raw(
    "a length of 1 TiB that is announced and never sent",
    413,
    `POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${2 ** 40}\r\n\r\n`,
  ),
  raw(
    "a length that is announced with Expect: 100-continue and too large",
    413,
    "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n",
  ),
  jobWithHeaders("Expect: 100-continue for a body in order", 201, { Expect: "100-continue" }),
  job("a job of a little under 1 MiB of spaces", 400, { bogus: " ".repeat(KIB * KIB - 200) }, "bogus"),
];

const encodings: readonly BadInputRow[] = [
  ...["gzip", "br", "deflate", "zstd", "identity, gzip"].map((encoding) =>
    jobWithHeaders(`Content-Encoding: ${encoding}`, 415, { "Content-Encoding": encoding }),
  ),
  jobWithHeaders("Content-Encoding: identity", 201, { "Content-Encoding": "identity" }),
  ...["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json; charset=utf-16"].map(
    (type) => jobWithHeaders(`Content-Type: ${type}`, 415, { "Content-Type": type }),
  ),
  jobWithHeaders("Content-Type with its charset", 201, { "Content-Type": "application/json; charset=UTF-8" }),
  request("no Content-Type", 415, { method: "POST", target: "/api/v1/jobs", body: JSON.stringify(goodJob) }),
  jobText("no body", 400, "", "body"),
  jobText("invalid UTF-8", 400, Buffer.from([0x22, 0xff, 0xfe, 0x22]), "body"),
  jobText("UTF-8 that is cut off", 400, Buffer.from([0x22, 0xe2, 0x82]), "body"),
  jobText("a byte order mark", 400, `\ufeff${JSON.stringify(goodJob)}`, "body"),
  jobText("UTF-16", 400, Buffer.from(JSON.stringify(goodJob), "utf16le"), "body"),
];

const queries: readonly BadInputRow[] = [
  ...["0", "-1", "1001", "1000000000", "abc", "1.5", "1e2", "0x10", "%205", "", "9".repeat(400), "Infinity"].map(
    (limit) => get(`limit=${limit.slice(0, 20)}`, 400, `/api/v1/jobs?limit=${limit}`, "limit"),
  ),
  ...["-1", "abc", "1.5", "9999999999999999"].map((offset) =>
    get(`offset=${offset}`, 400, `/api/v1/jobs?offset=${offset}`, "offset"),
  ),
  get("limit given twice", 400, "/api/v1/jobs?limit=1&limit=2", "limit"),
  get("a limit with brackets", 400, "/api/v1/jobs?limit[]=1", "limit[]"),
  ...["done", "RUNNING", "running,done", ",", "", "(a+)+$", "constructor"].map((state) =>
    get(`state=${state}`, 400, `/api/v1/jobs?state=${encodeURIComponent(state)}`, "state"),
  ),
  get("a state of 3,000 characters", 400, `/api/v1/jobs?state=${"pending,".repeat(375)}`, "state"),
  get("a tenant that cannot be one", 400, "/api/v1/jobs?tenant_id=..%2F..", "tenant_id"),
  get("a name with a NUL", 400, "/api/v1/jobs?name=a%00b", "name"),
  get("a label without a value", 400, "/api/v1/jobs?label=zone", "label"),
  get("the label __proto__", 400, "/api/v1/jobs?label=__proto__=x", "label"),
  get(
    "17 labels",
    400,
    `/api/v1/jobs?${Array.from({ length: 17 }, (_, i) => `label=l${i}=x`).join("&")}`,
    "at most 16",
  ),
  get("a label's name given twice", 400, "/api/v1/jobs?label=a=1&label=b=1&label=a=2", "label gives a twice"),
  ...["tenant_id=t", "state=running", "name=x", "node=x", "offset=1"].map((pair) =>
    get(`${pair} given twice`, 400, `/api/v1/jobs?${pair}&${pair}`, `${pair.split("=")[0]} must be given once`),
  ),
  ...["follow=true", "stream=stdout", "rank=0", "tail=1"].map((pair) =>
    get(
      `${pair} given twice`,
      400,
      `/api/v1/jobs/job-1/logs?${pair}&${pair}`,
      `${pair.split("=")[0]} must be given once`,
    ),
  ),
  get("a parameter that does not exist", 400, "/api/v1/jobs?cursor=forged", "cursor is not a known parameter"),
  get("the parameter __proto__", 400, "/api/v1/jobs?__proto__=x", "__proto__"),
  get("the parameter __proto__[x]", 400, "/api/v1/jobs?__proto__[x]=1", "__proto__[x]"),
  get("an escape that cannot be read", 400, "/api/v1/jobs?name=%zz", "query"),
  get("an escape that is no UTF-8", 400, "/api/v1/jobs?name=%ff", "query"),
  get("a parameter where none are known", 400, "/api/v1/cluster/status?verbose=1", "verbose"),
  get("follow=maybe", 400, "/api/v1/jobs/job-1/logs?follow=maybe", "follow"),
  get("tail=-1", 400, "/api/v1/jobs/job-1/logs?tail=-1", "tail"),
  get("rank=4096", 400, "/api/v1/jobs/job-1/logs?rank=4096", "rank"),
  get("stream=stdin", 400, "/api/v1/jobs/job-1/logs?stream=stdin", "stream"),
  request(
    "dry_run=maybe",
    400,
    {
      method: "POST",
      target: "/api/v1/jobs?dry_run=maybe",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(goodJob),
    },
    { field: "dry_run" },
  ),
  request(
    "dry_run=true",
    200,
    {
      method: "POST",
      target: "/api/v1/jobs?dry_run=true",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(goodJob),
    },
    { field: "dry_run" },
  ),
  request(
    "dry_run given twice",
    400,
    {
      method: "POST",
      target: "/api/v1/jobs?dry_run=true&dry_run=false",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(goodJob),
    },
    { field: "dry_run" },
  ),
  request(
    "dryrun=true",
    400,
    {
      method: "POST",
      target: "/api/v1/jobs?dryrun=true",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(goodJob),
    },
    { field: "dryrun" },
  ),
  get("a list of the array 17", 400, "/api/v1/jobs?array=17", "array"),
  {
    ...jobWithHeaders("Idempotency-Key, which is not supported yet", 400, { "Idempotency-Key": "a" }),
    field: "Idempotency-Key",
  },
];

const paths: readonly BadInputRow[] = [
  request("TRACE", 405, { method: "TRACE", target: "/api/v1/jobs" }),
  raw("CONNECT", 405, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"),
  request("PUT /", 404, { method: "PUT", target: "/" }),
  request("PUT on jobs", 405, { method: "PUT", target: "/api/v1/jobs" }, { headers: { allow: "GET, HEAD, POST" } }),
  request("OPTIONS on jobs", 405, { method: "OPTIONS", target: "/api/v1/jobs" }),
  request("GET on a batch", 405, { method: "GET", target: "/api/v1/jobs/batch" }, { headers: { allow: "POST" } }),
  request("GET on a checkpoint", 405, { method: "GET", target: "/api/v1/jobs/job-1/checkpoint" }),
  request("a checkpoint of JOB-1", 404, { method: "POST", target: "/api/v1/jobs/JOB-1/checkpoint" }),
  get("explaining JOB-1", 404, "/api/v1/jobs/JOB-1/explain", "Job not found"),
  request(
    "PATCH on a job",
    405,
    { method: "PATCH", target: "/api/v1/jobs/job-1" },
    { headers: { allow: "GET, HEAD, DELETE" } },
  ),
  request("POST on health", 405, { method: "POST", target: "/health" }, { headers: { allow: "GET, HEAD" } }),
  raw("OPTIONS *", 404, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
  raw("a method that does not exist", 400, "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  raw("no HTTP at all", 400, "hello\r\n\r\n"),
  raw("a TLS greeting", 400, Buffer.from("16030100f5010000f10303", "hex")),
  ...[
    "//",
    "//health",
    "/api/v1//jobs",
    "/api/v1/jobs//",
    "/api/v1/jobs%2fjob-1",
    "/api/v1/jobs/..%2f..",
    "/api;v=1/v1/jobs",
  ].map((target) => get(`the path ${target}`, 404, target)),
  ...[
    "/api/v2/jobs",
    "/api/v1",
    "/API/V1/jobs",
    "/api/v1/../../etc/passwd",
    "/api/v1/jobs/%00",
    "/api/v1/jobs/%zz",
    "/.env",
  ].map((target) => get(`the path ${target}`, 404, target)),
  get("an absolute target", 200, "http://localhost/health"),
  get("an absolute target with a port", 200, "HTTP://localhost:8080/api/v1/jobs?limit=1"),
  get("an absolute target with a bad query", 400, "http://localhost/api/v1/jobs?limit=0", "limit"),
  ...[
    "http://localhost",
    "http://localhost?limit=1",
    "http://localhost//health",
    "http://user@localhost/health",
    "http:///health",
    "https://localhost/health",
    "ftp://localhost/health",
  ].map((target) => get(`the absolute target ${target}`, 404, target)),
  get("a path of 8 KiB", 414, `/${"x".repeat(8 * KIB)}`),
  get("a query of 8 KiB", 414, `/api/v1/jobs?name=${"x".repeat(8 * KIB)}`),
  ...["JOB-1", "job-", "job-x", "job-12345678901234567890", "job-1'", "__proto__", "constructor"].map((id) =>
    get(`the job ${id}`, 404, `/api/v1/jobs/${id}`, "Job not found"),
  ),
  ...["Tenant-1", "..", "-a", "a".repeat(64), "constructor"].map((id) =>
    get(`the tenant ${id.slice(0, 20)}`, 404, `/api/v1/tenants/${id}`, "ot found"),
  ),
  get("the node __proto__", 404, "/api/v1/nodes/__proto__", "Node not found"),
  ...["/jobs/job-1/events", "/events", "/ws", "/tenants/tenant-1/usage", "/openapi.json", "/docs"].map((path) =>
    get(`${path}, which is not supported yet`, 400, `/api/v1${path}`, "not supported yet"),
  ),
  ...["/openapi.json", "/docs"].map((path) =>
    get(`${path} at the root, which is not supported yet`, 400, path, "not supported yet"),
  ),
  ...["cordon", "uncordon", "drain"].flatMap((verb) => {
    const post = (what: string, status: number, target: string, field: string) =>
      request(what, status, { method: "POST", target: `/api/v1/nodes/${target}` }, { field });
    return [
      post(`${verb} of a node that is not there`, 404, `node-404/${verb}`, "Node not found"),
      post(`${verb} of __proto__`, 404, `__proto__/${verb}`, "Node not found"),
      post(`${verb} with a query`, 400, `node-404/${verb}?force=1`, "force"),
    ];
  }),
  ...["quarantine", "release"].flatMap((verb) => {
    const post = (what: string, status: number, device: string, field: string, body?: string) =>
      request(
        `${verb} of ${what}`,
        status,
        {
          method: "POST",
          target: `/api/v1/nodes/${device}`,
          ...(body !== undefined && { body, headers: { "Content-Type": "application/json" } }),
        },
        { field },
      );
    const on = (device: string) => `node-404/devices/${device}/${verb}`;
    return [
      post("a device of a node that is not there", 404, on("gpu-1"), "Node not found"),
      post("a device of __proto__", 404, `__proto__/devices/gpu-1/${verb}`, "Node not found"),
      post("a device by a path", 404, on("..%2Fgpu-1"), "Not found"),
      post("a device with blanks", 404, on("gpu%201"), "Not found"),
      post("a device with an endless name", 404, on("g".repeat(300)), "Device not found"),
      post("a device with a query", 400, `${on("gpu-1")}?force=1`, "force"),
      post("a device with a word that is none", 400, on("gpu-1"), "until", '{"until":"tomorrow"}'),
      post("a device with a reason that is no text", 400, on("gpu-1"), "reason", '{"reason":7}'),
    ];
  }),
];

const HEAD = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
const POST = "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

const headers: readonly BadInputRow[] = [
  raw("headers of more than 16 KiB", 431, HEAD, `X-Big: ${"x".repeat(17 * KIB)}\r\n\r\n`),
  raw("2,000 headers", 431, HEAD, Array.from({ length: 2_000 }, () => "a:b\r\n").join(""), "\r\n"),
  raw("101 headers", 431, HEAD, Array.from({ length: 99 }, (_, i) => `X-${i}: b\r\n`).join(""), "\r\n"),
  raw("100 headers", 200, HEAD, Array.from({ length: 98 }, (_, i) => `X-${i}: b\r\n`).join(""), "\r\n"),
  raw("Content-Length given twice", 400, POST, "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
  raw("two Content-Lengths that differ", 400, POST, "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
  raw(
    "Content-Length and Transfer-Encoding",
    400,
    POST,
    "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ),
  raw(
    "Transfer-Encoding and Content-Length",
    400,
    POST,
    "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
  ),
  raw("a Transfer-Encoding that does not end in chunked", 400, POST, "Transfer-Encoding: chunked, gzip\r\n\r\n"),
  ...["gzip, chunked", "identity, chunked", "chunked, chunked", "x, chunked"].map((coding) =>
    raw(
      `Transfer-Encoding: ${coding}`,
      coding === "chunked, chunked" ? 400 : 415,
      POST,
      `Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
    ),
  ),
  raw(
    "Transfer-Encoding: CHUNKED",
    400,
    POST,
    "Transfer-Encoding: CHUNKED\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
  ),
  raw("a Content-Length below 0", 400, POST, "Content-Length: -1\r\n\r\n"),
  raw("a chunk's length that is none", 400, POST, "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
  raw("a header folded over two lines", 400, HEAD, "X-Folded: a\r\n b\r\n\r\n"),
  raw("a NUL in a header", 400, HEAD, "X-Nul: a\0b\r\n\r\n"),
  raw("a bare line feed", 400, "GET /health HTTP/1.1\nHost: localhost\n\n"),
  raw("a blank before a header's colon", 400, HEAD, "X-Blank : a\r\n\r\n"),
  raw("no Host", 400, "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n"),
  raw("Host given twice", 400, HEAD, "Host: localhost\r\n\r\n"),
  request("Expect for something else", 417, { method: "GET", target: "/health", headers: { Expect: "a-miracle" } }),
  request("an X-HTTP-Method-Override", 200, {
    method: "GET",
    target: "/api/v1/cluster/status",
    headers: { "X-HTTP-Method-Override": "DELETE" },
  }),
  request("a request to become a WebSocket", 400, {
    method: "GET",
    target: "/api/v1/ws",
    headers: { Connection: "close, Upgrade", Upgrade: "websocket" },
  }),
  request("an X-Request-Id that does not fit", 200, {
    method: "GET",
    target: "/health",
    headers: { "X-Request-Id": "x".repeat(200) },
  }),
];

/** For a gateway that listens on loopback. */
export const hostRows: readonly BadInputRow[] = [
  ...["evil.example", "evil.example:8080", "localhost.evil.example", "169.254.169.254", "", "[::2]"].map((host) =>
    request(`Host: ${host}`, 421, { method: "GET", target: "/health", headers: { Host: host } }),
  ),
  get("an absolute target at another host", 421, "http://evil.example/health"),
  ...["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080"].map((host) =>
    request(`Host: ${host}`, 200, { method: "GET", target: "/health", headers: { Host: host } }),
  ),
];

/** Clients that begin and never finish: answered 408 once the server's limits have passed. */
export const slowRows: readonly BadInputRow[] = [
  raw("headers that never end", 408, "GET /health HTTP/1.1\r\nHost: loc"),
  raw("chunks that never end", 408, `${POST}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`),
  raw("a body that never comes", 408, `${POST}Content-Length: 100\r\n\r\n{`),
  raw("a connection without a request", 408, ""),
];

export const httpRows: readonly BadInputRow[] = [...sizes, ...encodings, ...queries, ...paths, ...headers];
