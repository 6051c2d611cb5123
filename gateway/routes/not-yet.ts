/** Endpoints of the documented contract that this version does not have: refused by name. An entry leaves with its feature. */
import { RequestError } from "../../base/errors.ts";
import type { Handler, Method, Route } from "../route.ts";

const NOT_YET: readonly (readonly [method: Method, path: string, what: string])[] = [
  ["GET", "/jobs/:id/events", "Following a job's events"],
  ["GET", "/events", "Following events"],
  ["GET", "/ws", "Following changes over WebSocket"],
  ["GET", "/tenants/:id/usage", "Usage by tenant"],
];

/** Looked for below the API's prefix and at the root. */
const NOT_YET_PAGES: typeof NOT_YET = [
  ["GET", "/openapi.json", "The OpenAPI description"],
  ["GET", "/docs", "The documentation page"],
];

export function notYetRoutes(): Route[] {
  return [...NOT_YET.map(toRoute), ...notYetPages()];
}

/** To be mounted at the root as well. */
export function notYetPages(): Route[] {
  return NOT_YET_PAGES.map(toRoute);
}

function toRoute([method, path, what]: (typeof NOT_YET)[number]): Route {
  return { path, methods: { [method]: refuse(what) } };
}

function refuse(what: string): Handler {
  return () => {
    throw new RequestError("invalid", `${what} is not supported yet by this version`);
  };
}
