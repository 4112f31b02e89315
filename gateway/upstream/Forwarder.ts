import type { Socket } from 'node:net'
import { Pool } from 'undici'
import { GatewayError } from '../errors.ts'
import { Exchange } from './exchange.ts'
import * as Fields from './Fields.ts'
import type { Gone } from './Gone.ts'
import { RequestTooLargeError, requestBody } from './request-body.ts'
import type { Source } from './Source.ts'
import { requestHeaders } from './scrub.ts'
import { UpstreamBusyError } from './upstream-error.ts'

/** Sends requests to upstreams: one pool of kept-alive connections per origin, streams both ways, no redirects. */
export type Forwarder = {
  /**
   * Sends one request, once; it is never repeated. Resolves at the answer's header, whatever its status; throws
   * `UpstreamUnreachableError`, `UpstreamTimeoutError`, `UpstreamBrokenError`, `UpstreamBusyError`,
   * `RequestTooLargeError`, `RequestNotForwardableError` or `CallerGoneError`.
   */
  forward(request: Forwarder.Request): Promise<Forwarder.Response>
  /** Lets running exchanges finish, then closes every connection. */
  close(): Promise<void>
  /** Breaks off running exchanges and closes every connection. */
  destroy(): Promise<void>
}

/** Makes a forwarder. Its pools live until `close`. */
export function createForwarder(options: createForwarder.Options = {}): Forwarder {
  const limits = { ...defaults, ...options.limits }
  const origins = new Map<string, Origin>()
  const targets = new WeakMap<URL, Target>()

  function targetOf(upstream: URL): Target {
    const known = targets.get(upstream)
    if (known !== undefined) return known
    const { origin: name, base } = checkUpstream(upstream)
    let origin = origins.get(name)
    if (origin === undefined) {
      origin = { pool: createPool(name, limits), running: 0 }
      origins.set(name, origin)
    }
    const target = { origin, base }
    targets.set(upstream, target)
    return target
  }

  function forward(request: Forwarder.Request): Promise<Forwarder.Response> {
    const { origin, base } = targetOf(request.upstream)
    const declared = declaredLength(request)
    if (declared !== undefined && declared > request.maxRequestBytes)
      throw new RequestTooLargeError({ limit: request.maxRequestBytes })
    if (origin.running >= limits.connections + limits.queued) throw new UpstreamBusyError()

    const headers = requestHeaders(request.headers, request)
    const { body } = request
    const stream =
      body === null || body instanceof Uint8Array || declared === 0
        ? undefined
        : requestBody(body, request.maxRequestBytes)
    if (stream !== undefined && declared !== undefined) headers.push('content-length', String(declared))

    origin.running += 1
    const exchange = new Exchange({
      method: request.method,
      paid: request.paid ?? true,
      eager: request.eager ?? -1,
      deadlineMs: request.deadlineMs,
      signal: request.signal,
      onEnd() {
        origin.running -= 1
        stream?.stop()
      },
    })
    if (exchange.ended) return exchange.response
    origin.pool.dispatch(
      {
        path: base + request.path,
        method: request.method,
        headers,
        body: stream?.stream ?? bytesOf(body),
        headersTimeout: 0,
        bodyTimeout: request.idleMs,
      },
      exchange,
    )
    return exchange.response
  }

  const pools = () => [...origins.values()].map((origin) => origin.pool)
  return {
    forward(request) {
      try {
        return forward(request)
      } catch (error) {
        return Promise.reject(error)
      }
    },
    close: async () => void (await Promise.all(pools().map((pool) => pool.close()))),
    destroy: async () => void (await Promise.all(pools().map((pool) => pool.destroy()))),
  }
}

export declare namespace createForwarder {
  type Options = { limits?: Partial<Limits> }
  type Limits = {
    /** Connections to one origin. */
    connections: number
    /** Requests that may wait for a connection to one origin; the next is refused with 503. */
    queued: number
    connectTimeoutMs: number
    keepAliveMs: number
    /** Size of an upstream's header block. */
    maxHeaderBytes: number
  }
}

export declare namespace Forwarder {
  type Request = {
    /** Origin and base path, from the operator's configuration. */
    upstream: URL
    method: string
    /** The canonical path and query, exactly as matched. Appended to the base path, never read again. */
    path: string
    /** The caller's headers, as received. They are scrubbed here. */
    headers: readonly string[]
    body: Source | Uint8Array | null
    /** What the gateway says itself, such as `x-farthing-wallet`. Wins over the caller's header of the same name. */
    set?: Readonly<Record<string, string>>
    /** The whole time to the answer's header: waiting for a connection, connecting, sending. */
    deadlineMs: number
    /** The longest pause between two pieces of the answer, while somebody reads it. */
    idleMs: number
    maxRequestBytes: number
    /** Whether the answer is paid for, and so private. Default: true. */
    paid?: boolean
    /**
     * An answer whose body says it is no longer than this (any answer: infinity) is opened as soon as its head is there. Of
     * others nothing is taken before they are opened. Default: none.
     */
    eager?: number
    /** Aborts when the caller has gone: the upstream's connection is closed. */
    signal?: Gone
  }
  type Response = Exchange.Response
  type End = Exchange.End
}

const defaults: createForwarder.Limits = {
  connections: 128,
  queued: 1024,
  connectTimeoutMs: 5_000,
  keepAliveMs: 4_000,
  maxHeaderBytes: 16 * 1024,
}

type Origin = { pool: Pool; running: number }
type Target = { origin: Origin; base: string }

/**
 * All sockets read into the same 64 kB, of which a piece is copied at once: otherwise 64 kB are asked of the allocator for each
 * piece, and given back but for the few hundred bytes of most answers.
 */
const onread = {
  buffer: Buffer.allocUnsafeSlow(65_536),
  callback(this: Socket, size: number, buffer: Uint8Array): boolean {
    return this.push(Buffer.from(buffer.subarray(0, size)))
  },
}

function createPool(origin: string, limits: createForwarder.Limits): Pool {
  return new Pool(origin, {
    connections: limits.connections,
    connect: { timeout: limits.connectTimeoutMs, onread },
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.maxHeaderBytes,
    // One request at a time on a connection: an upstream that answers twice cannot answer for another caller.
    pipelining: 1,
    allowH2: false,
  })
}

function checkUpstream(upstream: URL): { origin: string; base: string } {
  const plain = upstream.search === '' && upstream.hash === '' && upstream.username + upstream.password === ''
  if (!plain || (upstream.protocol !== 'http:' && upstream.protocol !== 'https:'))
    throw new UpstreamInvalidError(upstream)
  return { origin: upstream.origin, base: upstream.pathname.replace(/\/+$/, '') }
}

function declaredLength(request: Forwarder.Request): number | undefined {
  if (request.body === null) return undefined
  if (request.body instanceof Uint8Array) return request.body.byteLength
  const header = Fields.get(request.headers, 'content-length')
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined
}

function bytesOf(body: Forwarder.Request['body']): Uint8Array | null {
  return body instanceof Uint8Array && body.byteLength > 0 ? body : null
}

/** The operator configured something that is not the address of an HTTP service. */
export class UpstreamInvalidError extends GatewayError {
  constructor(upstream: URL) {
    super({
      message: `Upstream "${upstream.protocol}//${upstream.host}${upstream.pathname}" must be http or https, without user, query or fragment. Fix: set credentials as a header of the route.`,
      status: 500,
      code: 'upstream-invalid',
    })
  }
}
