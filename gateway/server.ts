import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { createApp } from './app.ts'
import type { Config } from './config/Config.ts'
import { GatewayError } from './errors.ts'
import { problem } from './request/problem.ts'

/** The socket. Everything a stranger can send is bounded in size and time before it is looked at. */
const limits = {
  maxHeaderSize: 32_768,
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 65_000,
}

/** A running server. */
export type Listening = {
  port: number
  /** Takes no new connections, lets running requests finish for at most `graceMs`, then breaks them off. */
  close(graceMs: number): Promise<void>
}

/** Starts to listen. @throws {ListenError} the address cannot be had. */
export async function listen(app: ReturnType<typeof createApp>, config: Config): Promise<Listening> {
  const { host, port, tls } = config.listen
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: () => problem(new RequestUnreadableError()),
  }) as RequestListener
  const server: Server =
    tls === undefined
      ? createHttpServer(limits, listener)
      : createHttpsServer({ ...limits, cert: readPem(tls.certFile), key: readPem(tls.keyFile) }, listener)
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
