import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import * as Fields from '../upstream/Fields.ts'
import type { Forwarder } from '../upstream/Forwarder.ts'
import { signalOf } from '../upstream/Gone.ts'
import { fromStream, type Sink, toStream } from '../upstream/Source.ts'
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
  const { incoming, route, path, query, body, method } = priced
  const { limits } = deps.config
  if (route.target.kind !== 'upstream') {
    const serve = route.target.kind === 'handler' ? route.target.serve : incoming.serve
    if (serve === undefined) throw new NoUpstreamError(route.id)
    const response = await serve({ request: handedOver(priced, identity), identity: new Headers(identity) })
    return fromHandler(response, isPrivate(priced))
  }
  return deps.forwarder.forward({
    upstream: route.target.url,
    method,
    path: path + query,
    headers: incoming.fields,
    body: body.content,
    set: identity,
    deadlineMs: route.deadlineMs,
    idleMs: limits.idleMs,
    maxRequestBytes: limits.maxBodyBytes,
    paid: isPrivate(priced),
    eager: priced.terms.amount === 0n ? Number.POSITIVE_INFINITY : limits.storedAnswerBytes,
    signal: incoming.gone,
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
function handedOver({ incoming, body }: Priced, identity: Record<string, string>): Request {
  const headers = Fields.toHeaders(incoming.fields)
  for (const name of [...headers.keys()]) if (/^x[-_]farthing[-_]/i.test(name)) headers.delete(name)
  for (const [name, value] of Object.entries(identity)) headers.set(name, value)
  const { content } = body
  const init = {
    method: incoming.method,
    headers,
    body:
      content === null ? null : content instanceof Uint8Array ? new Uint8Array(content) : toStream(content),
    signal: signalOf(incoming.gone),
    duplex: 'half' as const,
  }
  return new Request(incoming.url, init)
}

/** A handler's response, with the same knowledge of its end as an upstream's. */
function fromHandler(response: Response, paid: boolean): Called {
  const headers = Fields.from(response.headers)
  if (paid) Fields.set(headers, 'cache-control', privateCacheControl(Fields.get(headers, 'cache-control')))
  const { status } = response
  if (response.body === null) {
    const done = Promise.resolve({ outcome: 'complete' as const, bytes: 0, error: undefined })
    return { status, headers, body: null, done, cancel() {} }
  }
  const { promise: done, resolve } = Promise.withResolvers<Forwarder.End>()
  const source = fromStream(response.body)
  let bytes = 0
  const ended = (outcome: Forwarder.End['outcome']) => resolve({ outcome, bytes, error: undefined })
  const cancel = (reason?: unknown) => {
    ended('cancelled')
    source.cancel(reason)
  }
  const open = (sink: Sink) =>
    source.open({
      write(chunk) {
        bytes += chunk.byteLength
        return sink.write(chunk)
      },
      end() {
        ended('complete')
        sink.end()
      },
      fail(error) {
        ended('broken')
        sink.fail(error)
      },
    })
  return { status, headers, body: { open, resume: source.resume, cancel }, done, cancel }
}

/** A route without an upstream was called outside an app that embeds the gateway. */
class NoUpstreamError extends GatewayError {
  constructor(id: string) {
    super({ status: 500, code: 'no-upstream', message: `Route ${id} has no upstream. Fix: set "upstream".` })
  }
}
