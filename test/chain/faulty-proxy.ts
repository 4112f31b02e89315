import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A TCP-level fault between the gateway and its node: a real HTTP server that forwards JSON-RPC and, for the methods told
 * to, forwards the request and then cuts the connection before the answer, or never forwards it at all.
 */
export type FaultyProxy = {
  url: string
  /** Forward, then cut: the node acted, and nobody hears of it. */
  dropAnswersTo: Set<string>
  /** Cut at once: the node never hears of it. */
  refuse: Set<string>
  /** Answers of its own: the node lies. By method. */
  answers: Map<string, unknown>
  /** Bends what the node says. By method. */
  bends: Map<string, (result: unknown, params: readonly unknown[]) => unknown>
  /** Everything is cut. */
  down: boolean
  /** Methods in the order in which they came. */
  seen: string[]
  close(): Promise<void>
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const proxy: Omit<FaultyProxy, 'url' | 'close'> = {
    dropAnswersTo: new Set(),
    refuse: new Set(),
    answers: new Map(),
    bends: new Map(),
    down: false,
    seen: [],
  }
  const server = createServer((request, response) => {
    const forward = async () => {
      const body = await read(request)
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] }
      proxy.seen.push(method)
      if (proxy.down || proxy.refuse.has(method)) return request.socket.destroy()
      const headers = { 'content-type': 'application/json' }
      if (proxy.answers.has(method)) {
        const result = proxy.answers.get(method)
        return response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      }
      const answer = await fetch(target, { method: 'POST', headers, body })
      const text = await answer.text()
      if (proxy.dropAnswersTo.has(method)) return request.socket.destroy()
      const bend = proxy.bends.get(method)
      if (bend === undefined) return response.writeHead(answer.status, headers).end(text)
      const real = JSON.parse(text) as { result?: unknown }
      const bent = 'result' in real ? { ...real, result: bend(real.result, params ?? []) } : real
      return response.writeHead(answer.status, headers).end(JSON.stringify(bent))
    }
    forward().catch(() => request.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
