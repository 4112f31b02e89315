import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import * as Fields from '../../gateway/upstream/Fields.ts'
import { createForwarder, type Forwarder } from '../../gateway/upstream/Forwarder.ts'
import { fromStream, toStream } from '../../gateway/upstream/Source.ts'

/** A real HTTP server whose every answer the test writes itself, and that remembers what it saw. */
export type RawUpstream = {
  url: URL
  requests: IncomingMessage[]
  sockets: Set<Socket>
  /** How many connections were ever made. */
  connections(): number
  close(): Promise<void>
}

export async function rawUpstream(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<RawUpstream> {
  const requests: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    requests,
    sockets,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A plain GET, to be changed where a test needs it. */
export function call(
  upstream: URL,
  { headers = new Headers(), body = null, ...changes }: call.Changes = {},
): Forwarder.Request {
  return {
    upstream,
    method: 'GET',
    path: '/',
    headers: Fields.from(headers),
    body: body instanceof ReadableStream ? fromStream(body) : body,
    deadlineMs: 10_000,
    idleMs: 10_000,
    maxRequestBytes: 1_000_000,
    ...changes,
  }
}

export declare namespace call {
  type Changes = Partial<Omit<Forwarder.Request, 'headers' | 'body'>> & {
    headers?: Headers
    body?: Forwarder.Request['body'] | ReadableStream<Uint8Array>
  }
}

/** A forwarder whose answers are read as web streams and `Headers`. */
export function forwarderOf(options: createForwarder.Options) {
  const forwarder = createForwarder(options)
  return {
    ...forwarder,
    async forward(request: Forwarder.Request) {
      const { headers, body, ...answer } = await forwarder.forward(request)
      return {
        ...answer,
        headers: Fields.toHeaders(headers),
        body: body === null ? null : toStream(body),
      }
    },
  }
}

export function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}
