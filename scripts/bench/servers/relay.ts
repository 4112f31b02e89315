import type { ServerResponse } from 'node:http'
import { Pool } from 'undici'

/** The least that forwards a call from Node: `Pool.dispatch`, headers and chunks handed on as they come. */
export function createRelay(upstreamPort: number): (path: string, response: ServerResponse) => void {
  const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 128, pipelining: 1 })
  return (path, response) => {
    pool.dispatch(
      { path, method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...passed } = headers
          response.writeHead(status, passed)
        },
        onResponseData(_controller, chunk) {
          response.write(chunk)
        },
        onResponseEnd() {
          response.end()
        },
        onResponseError() {
          response.destroy()
        },
      },
    )
  }
}
