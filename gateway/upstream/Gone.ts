/** Told when whoever asked has gone. An `AbortSignal` is one; a server's connection is one at a smaller price. */
export type Gone = {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** As a signal, for who wants a real one. */
export function signalOf(gone: Gone): AbortSignal {
  if (gone instanceof AbortSignal) return gone
  const controller = new AbortController()
  if (gone.aborted) controller.abort(gone.reason)
  else gone.addEventListener('abort', () => controller.abort(gone.reason), { once: true })
  return controller.signal
}
