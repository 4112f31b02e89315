import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import type { Forwarder } from '../upstream/Forwarder.ts'
import { privateCacheControl } from '../upstream/scrub.ts'
import type { Priced } from './price.ts'

/** What came back: its status and headers are known, its body is not read yet. */
export type Called = Pick<Forwarder.Response, 'status' | 'headers' | 'body' | 'done' | 'cancel'>

/**
 * Makes the call, once: to the upstream, or to the handler of the app that embeds us.
 * @throws {GatewayError} unreachable, too slow, too large.
 */
export async function callTarget(
  priced: Priced,
  identity: Record<string, string>,
  deps: Deps,
): Promise<Called> {
  const { request, route, path, query, body, method } = priced
  const { limits } = deps.config
  if (route.target.kind !== 'upstream') {
    const serve = route.target.kind === 'handler' ? route.target.serve : priced.serve
    if (serve === undefined) throw new NoUpstreamError(route.id)
    const response = await serve({ request: handedOver(priced, identity), identity: new Headers(identity) })
    return fromResponse(response, isPrivate(priced))
  }
  return deps.forwarder.forward({
    upstream: route.target.url,
    method,
    path: path + query,
    headers: request.headers,
    body: body.content,
    set: identity,
    deadlineMs: route.deadlineMs,
    idleMs: limits.idleMs,
    maxRequestBytes: limits.maxBodyBytes,
    paid: isPrivate(priced),
    signal: request.signal,
  })
}

/** Whether the answer is for this caller alone: paid for, or had for what its wallet holds. No shared cache may keep it. */
function isPrivate({ terms, route, signedIn }: Priced): boolean {
  return terms.amount > 0n || route.gate !== null || signedIn !== null
}

/**
 * The request as a handler may read it: the body that was bound to the payment, the identity that we vouch for, and none
 * of the caller's own claims of one. Built from parts, since a server's request object need not be the platform's.
 */
function handedOver({ request, body }: Priced, identity: Record<string, string>): Request {
  const headers = new Headers(request.headers)
  for (const name of [...headers.keys()]) if (/^x[-_]farthing[-_]/i.test(name)) headers.delete(name)
  for (const [name, value] of Object.entries(identity)) headers.set(name, value)
  const content = body.content instanceof Uint8Array ? new Uint8Array(body.content) : body.content
  const init = {
    method: request.method,
    headers,
    body: content,
    signal: request.signal,
    duplex: 'half' as const,
  }
  return new Request(request.url, init)
}

/** A handler's response, with the same knowledge of its end as an upstream's. */
function fromResponse(response: Response, paid: boolean): Called {
  const headers = new Headers(response.headers)
  if (paid) headers.set('cache-control', privateCacheControl(headers.get('cache-control')))
  const { status, body } = response
  if (body === null)
    return {
      status,
      headers,
      body,
      done: Promise.resolve({ outcome: 'complete', bytes: 0, error: undefined }),
      cancel() {},
    }
  const end = Promise.withResolvers<Forwarder.End>()
  const reader = body.getReader()
  let bytes = 0
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) {
          bytes += value.byteLength
          return controller.enqueue(value)
        }
        end.resolve({ outcome: 'complete', bytes, error: undefined })
        controller.close()
      } catch (error) {
        end.resolve({ outcome: 'broken', bytes, error: undefined })
        controller.error(error)
      }
    },
    async cancel(reason) {
      end.resolve({ outcome: 'cancelled', bytes, error: undefined })
      await reader.cancel(reason)
    },
  })
  return {
    status,
    headers,
    body: watched,
    done: end.promise,
    cancel(reason) {
      end.resolve({ outcome: 'cancelled', bytes, error: undefined })
      // Not the watched stream: whoever reads it has locked it.
      reader.cancel(reason).catch(() => {})
    },
  }
}

/** A route without an upstream was called outside an app that embeds the gateway. */
class NoUpstreamError extends GatewayError {
  constructor(id: string) {
    super({ status: 500, code: 'no-upstream', message: `Route ${id} has no upstream. Fix: set "upstream".` })
  }
}
