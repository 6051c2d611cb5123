/** A bug was found: what the program believes does not hold. Ends the controller's term; never shown to users. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * Throws {@link InvariantError} with the message unless the condition holds.
 *
 * @param message a function where it is asked so often that to make each message would cost more than the check
 */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(typeof message === "string" ? message : message());
}

/**
 * The value, which must not be missing.
 *
 * @param of whose it is: put behind `what` only when it is missing, which costs less than to do so at every call
 */
export function present<T>(value: T | null | undefined, what: string, of = ""): T {
  if (value === null || value === undefined) throw new InvariantError(`${what}${of && ` ${of}`} is missing`);
  return value;
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new InvariantError(`unexpected value ${JSON.stringify(value)}`);
}
