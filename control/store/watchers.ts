/** Who hears of committed transactions. They must not throw: the transaction is already on disk, and its caller would take it for failed. */
export class Watchers {
  readonly #watchers = new Set<(revision: number) => void>()

  add(changed: (revision: number) => void): () => void {
    // Wrapped, so that a function that watches twice is called twice and stops once.
    const watcher = (revision: number) => changed(revision)
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  tell(revision: number): void {
    for (const watcher of [...this.#watchers]) watcher(revision)
  }
}
