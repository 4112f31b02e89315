/** Repeats work until stopped: the next time begins `everyMs` after the last one ended. */
export type Timer = { start(): void; stop(): Promise<void> }

/** Failures go to `failed` and do not end it. The timer alone does not keep the process alive. */
export function createTimer(
  everyMs: number,
  work: () => Promise<unknown>,
  failed: (error: unknown) => void,
): Timer {
  let handle: NodeJS.Timeout | null = null
  let running: Promise<void> = Promise.resolve()
  let stopped = true

  const run = async () => {
    try {
      await work()
    } catch (error) {
      failed(error)
    }
    if (!stopped) schedule()
  }
  const schedule = () => {
    handle = setTimeout(() => {
      running = run()
    }, everyMs)
    handle.unref()
  }

  return {
    start() {
      if (!stopped) return
      stopped = false
      running = run()
    },
    async stop() {
      stopped = true
      if (handle !== null) clearTimeout(handle)
      await running
    },
  }
}
