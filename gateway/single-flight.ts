/** Runs work once per key at a time: whoever asks while it runs gets the same outcome. */
export type SingleFlight = {
  <T>(key: string, work: () => Promise<T>): Promise<T>
  isRunning(key: string): boolean
}

/** Makes one; its memory is the work now running. */
export function createSingleFlight(): SingleFlight {
  const running = new Map<string, Promise<unknown>>()
  const run = <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const current = running.get(key)
    // A key names one kind of work, so what runs under it has this type.
    if (current !== undefined) return current as Promise<T>
    const started = work().finally(() => running.delete(key))
    running.set(key, started)
    return started
  }
  return Object.assign(run, { isRunning: (key: string) => running.has(key) })
}
