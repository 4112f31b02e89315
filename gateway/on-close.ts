import type { ServerResponse } from 'node:http'

const callbacks = Symbol('callbacks')
type Watched = ServerResponse & { [callbacks]?: (() => void)[] }

/**
 * Calls back once an answer is over: sent whole, or its connection gone. All who ask share one listener: where two were on every
 * answer, the collector kept some 3 kB of each call until its next full run.
 */
export function onClose(response: ServerResponse, callback: () => void): void {
  const watched: Watched = response
  const known = watched[callbacks]
  if (known !== undefined) {
    known.push(callback)
    return
  }
  const all = [callback]
  watched[callbacks] = all
  response.once('close', () => {
    for (const one of all) one()
  })
}
