import { noQuerySchema } from "../../contract/query.ts";
import { sendJson } from "../answer.ts";
import { scheduler } from "../controller-client.ts";
import { readQuery, type Route, type RouteContext } from "../route.ts";
import { toClusterStatus } from "../translate/node.ts";

export function clusterRoutes({ client }: RouteContext): Route[] {
  return [
    {
      path: "/cluster/status",
      methods: {
        GET: async (request, response) => {
          readQuery(request, noQuerySchema);
          sendJson(response, 200, toClusterStatus(await client.call(scheduler.GetClusterStatus, {})));
        },
      },
    },
  ];
}
