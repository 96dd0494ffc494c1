/**
 * Lets all who call while `work` is being done share its next turn, which begins when that has ended. So what each gets was
 * begun after its call: readers see what has been written before they asked, and there is one turn at a time, however many
 * they are.
 */
export function shareNext<T>(work: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;

  function begin(): Promise<T> {
    next = undefined;
    const turn = work();
    last = turn.catch(() => undefined);
    return turn;
  }

  return () => (next ??= last.then(begin));
}
