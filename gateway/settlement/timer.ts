/** Longer, and a timer of Node begins at once. */
const longestMs = 2 ** 31 - 1

/** Repeats work until stopped: the next time begins `everyMs` after the last one ended, or as long after as it then says. */
export type Timer = { start(): void; stop(): Promise<void> }

/** Failures go to `failed` and do not end it. The timer alone does not keep the process alive. */
export function createTimer(
  everyMs: number | (() => number),
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
    const pauseMs = typeof everyMs === 'number' ? everyMs : everyMs()
    handle = setTimeout(
      () => {
        running = run()
      },
      Math.min(pauseMs, longestMs),
    )
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
