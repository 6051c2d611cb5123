/** What an operator may say of a node. */
import { z } from "zod";
import { displayName } from "./text.ts";

/** The body of `POST /nodes/{name}/confirm-dead`: both are for those who read the history of its jobs. */
export const confirmDeadSchema = z.strictObject({ by: displayName(128), reason: displayName(512) });
