import { readFileSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { createApp } from './app.ts'
import type { Deps } from './deps.ts'
import { GatewayError } from './errors.ts'
import { onClose } from './on-close.ts'
import { plainRequest } from './plain-request.ts'
import { fromResponse, type Outgoing, toResponse } from './request/Outgoing.ts'
import { handle } from './request/pipeline.ts'
import { problem } from './request/problem.ts'
import { sendResponse } from './send-response.ts'
import * as Fields from './upstream/Fields.ts'

/** The socket. Everything a stranger can send is bounded in size and time before it is looked at. */
const limits = {
  maxHeaderSize: 32_768,
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 65_000,
}

/** Time for a refused connection to read its answer. */
const lingerMs = 1_000

/** A running server. */
export type Listening = {
  port: number
  /** Takes no new connections, lets running requests finish for at most `graceMs`, then breaks them off. */
  close(graceMs: number): Promise<void>
}

/** Tells the listener that the response is written. */
const sent = new Response(null, { headers: { 'x-hono-already-sent': 'true' } })

/** Starts to listen. @throws {ListenError} the address cannot be had. */
export async function listen(app: ReturnType<typeof createApp>, deps: Deps): Promise<Listening> {
  const { host, port, tls } = deps.config.listen
  const serve: Parameters<typeof getRequestListener>[0] = async (request, env) => {
    const answer = await app.fetch(request, env as HttpBindings)
    sendResponse(fromResponse(answer), env.outgoing as ServerResponse)
    return sent
  }
  const throughApp = getRequestListener(serve, {
    overrideGlobalObjects: false,
    errorHandler: () => toResponse(problem(new RequestUnreadableError())),
  }) as RequestListener
  const listener: RequestListener = (message, response) => {
    const incoming = plainRequest(message, response)
    if (incoming === null) throughApp(message, response)
    else void handle(incoming, deps).then((answer) => sendResponse(answer, response))
  }
  const server: Server =
    tls === undefined
      ? createHttpServer(limits, listener)
      : createHttpsServer({ ...limits, cert: readPem(tls.certFile), key: readPem(tls.keyFile) }, listener)
  answerUnparsed(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new ListenError(host, port, error)))
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), graceMs)
        server.close(() => {
          clearTimeout(late)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

/**
 * What never becomes a request is answered with a problem document as well. A connection on which an answer is under way
 * is broken off instead: a second answer would be taken for part of the first.
 */
function answerUnparsed(server: Server): void {
  const busy = new WeakSet<object>()
  server.on('request', ({ socket }, response) => {
    busy.add(socket)
    onClose(response, () => busy.delete(socket))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || busy.has(socket) || error.code === 'ECONNRESET') socket.destroy()
    else endWith(problem(unparsed(error.code)), socket)
  })
}

function unparsed(code: string | undefined): GatewayError {
  if (code === 'HPE_HEADER_OVERFLOW') return new HeadersTooLargeError()
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? new RequestTimeoutError() : new RequestUnreadableError()
}

function endWith({ status, headers, body }: Outgoing, socket: Duplex): void {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n`
  for (const [name, value] of Fields.toHeaders(headers)) head += `${name}: ${value}\r\n`
  socket.write(`${head}\r\n`)
  socket.end(body)
  // Broken off at once, the caller would lose the answer to what it still sends; left alone, it would hold the socket.
  socket.resume()
  setTimeout(() => socket.destroy(), lingerMs).unref()
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    throw new ListenError(file, 0, new Error('the PEM file cannot be read'))
  }
}

/** The request line or the Host header is not that of an HTTP request. */
class RequestUnreadableError extends GatewayError {
  constructor() {
    super({
      status: 400,
      code: 'request-unreadable',
      message: 'The request line or the Host header cannot be read.',
    })
  }
}

/** The header block is larger than is read. */
class HeadersTooLargeError extends GatewayError {
  constructor() {
    super({
      status: 431,
      code: 'headers-too-large',
      message: `The headers have more than the ${limits.maxHeaderSize} bytes that are read.`,
    })
  }
}

/** The request did not arrive in time. */
class RequestTimeoutError extends GatewayError {
  constructor() {
    super({ status: 408, code: 'request-timeout', message: 'The request did not arrive in time.' })
  }
}

/** The address cannot be listened on. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  constructor(host: string, port: number, cause: Error) {
    super(
      `Cannot listen on ${host}:${port}: ${cause.message}. Fix: change listen.host, listen.port or listen.tls.`,
      {
        cause,
      },
    )
  }
}
