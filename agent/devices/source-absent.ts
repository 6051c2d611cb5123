import { RequestError } from "../../base/errors.ts";

/** A source of devices is not there at all: no library, no program, no driver. */
export class SourceAbsentError extends RequestError {}
