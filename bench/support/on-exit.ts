/** The newest last. */
const actions = new Set<() => void>();

process.on("exit", () => {
  for (const action of [...actions].toReversed()) action();
});

/**
 * Has the action done if the process is told to end before the work is over, the newest first. It must not wait.
 * What is returned forgets it: the work has cleaned up after itself.
 */
export function onExit(action: () => void): () => void {
  actions.add(action);
  return () => void actions.delete(action);
}
