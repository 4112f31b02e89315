import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What becomes of one question to the node.
 *
 * | Verdict | The node | Whoever asked |
 * |---|---|---|
 * | `pass` | acts | is answered |
 * | `refuse` | never hears of it | loses its connection |
 * | `lose` | acts | loses its connection |
 * | `hang` | acts | waits until the proxy is closed |
 * | `blank` | never hears of it | is told `null`: no receipt, no such block |
 */
export type Verdict = 'pass' | 'refuse' | 'lose' | 'hang' | 'blank'

/** A real HTTP server between the gateway and its node, which spoils whatever a test tells it to. */
export type NodeProxy = {
  url: string
  /** Decides about each question. Default: all pass. */
  judge: (method: string, params: readonly unknown[]) => Verdict
  /** Called when the node has acted, before whoever asked hears of it. */
  acted: (method: string, params: readonly unknown[]) => void
  /** Methods in the order in which they came. */
  seen: string[]
  /** All pass again. */
  heal(): void
  close(): Promise<void>
}

/** Starts it in front of the node at `target`. */
export async function nodeProxy(target: string): Promise<NodeProxy> {
  const server = createServer((request, response) => {
    const answer = (text: string) => response.writeHead(200, headers).end(text)
    const serve = async () => {
      const body = await read(request)
      const { id, method, params = [] } = JSON.parse(body) as Question
      proxy.seen.push(method)
      const verdict = proxy.judge(method, params)
      if (verdict === 'refuse') return request.socket.destroy()
      if (verdict === 'blank') return answer(JSON.stringify({ jsonrpc: '2.0', id, result: null }))
      const told = await (await fetch(target, { method: 'POST', headers, body })).text()
      proxy.acted(method, params)
      if (verdict === 'lose') return request.socket.destroy()
      return verdict === 'hang' ? undefined : answer(told)
    }
    serve().catch(() => request.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: NodeProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    judge: () => 'pass',
    acted: () => {},
    seen: [],
    heal() {
      proxy.judge = () => 'pass'
      proxy.acted = () => {}
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return proxy
}

type Question = { id: number; method: string; params?: unknown[] }
const headers = { 'content-type': 'application/json' }

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
