import type { IncomingMessage, ServerResponse } from 'node:http'
import { MessageBody } from './message-body.ts'
import { onClose } from './on-close.ts'
import type { Incoming } from './request/Incoming.ts'
import * as Fields from './upstream/Fields.ts'
import type { Gone } from './upstream/Gone.ts'

/**
 * A request that every router reads in one way and that is not for an endpoint of ours: an everyday method, a body only where
 * that has one, a host that is a name, a path of plain segments that are not `/farthing`. It goes to the pipeline as it is. Null
 * for all others, which the app takes apart.
 */
export function plainRequest(message: IncomingMessage, response: ServerResponse): Incoming | null {
  const { method = '', url = '', rawHeaders } = message
  if (!methods.has(method) || !plainTarget.test(url)) return null
  if (!plainHost.test(Fields.get(rawHeaders, 'host') ?? '')) return null
  if (!hasBody(rawHeaders)) return new PlainRequest(message, method, url, response, null)
  if (!methodsWithBody.has(method)) return null
  return new PlainRequest(message, method, url, response, new MessageBody(message, response))
}

/** Whether a body follows: the parser has refused what says so in two ways (RFC 9112, section 6.3). */
function hasBody(fields: readonly string[]): boolean {
  return Fields.indexOf(fields, 'content-length') !== -1 || Fields.indexOf(fields, 'transfer-encoding') !== -1
}

const methods: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'])
const methodsWithBody: ReadonlySet<string> = new Set(['DELETE', 'PATCH', 'POST', 'PUT'])
/** No percent sign, no empty or dotted segment: nothing that a router could decode or resolve to another path. */
const plainTarget = /^\/(?!farthing(?:[/?]|$))[\w~-][\w.~-]*(?:\/[\w~-][\w.~-]*)*(?:\?[^#\\]*)?$/
const plainHost = /^[a-z0-9][a-z0-9.-]*(?::\d{1,5})?$/i

class PlainRequest implements Incoming, Gone {
  readonly method: string
  readonly target: string
  readonly fields: readonly string[]
  readonly body: MessageBody | null
  aborted = false
  readonly reason = 'The caller closed the connection.'
  readonly #message: IncomingMessage
  #listeners: (() => void)[] = []

  constructor(
    message: IncomingMessage,
    method: string,
    target: string,
    response: ServerResponse,
    body: MessageBody | null,
  ) {
    this.#message = message
    this.method = method
    this.target = target
    this.fields = message.rawHeaders
    this.body = body
    onClose(response, () => {
      if (response.writableFinished) return
      this.aborted = true
      for (const listener of this.#listeners.splice(0)) listener()
    })
  }

  get gone(): Gone {
    return this
  }

  get url(): string {
    const scheme = 'encrypted' in this.#message.socket ? 'https' : 'http'
    return `${scheme}://${Fields.get(this.fields, 'host')}${this.target}`
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener)
    if (at !== -1) this.#listeners.splice(at, 1)
  }
}
