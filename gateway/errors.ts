/** Where a problem type is explained: `<base><code>`. The session problems of the EVM draft keep their own base. */
const base = 'https://farthing.dev/problems/'

/**
 * The base of every error that reaches a caller or an operator. It carries what the wire needs; each concrete error
 * stands in the module that throws it. Message grammar: the value, the rule, then context, then the fix.
 */
export class GatewayError extends Error {
  /** HTTP status. 402 is only for money; a fault of ours is 5xx. */
  readonly status: number
  /** Stable code, in kebab-case: what programs match on. */
  readonly code: string
  /** Problem type URI (RFC 9457). */
  readonly type: string
  /** Seconds after which asking again makes sense. */
  readonly retryAfter: number | undefined
  /** Extra members of the problem document. Never a secret. */
  readonly details: Record<string, unknown>

  constructor(options: GatewayError.Options) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.status = options.status
    this.code = options.code
    this.type = options.type ?? base + options.code
    this.retryAfter = options.retryAfter
    this.details = options.details ?? {}
  }
}

export declare namespace GatewayError {
  type Options = {
    message: string
    status: number
    code: string
    type?: string
    retryAfter?: number
    details?: Record<string, unknown>
    cause?: unknown
  }
}
