import { GatewayError } from '../errors.ts'

/**
 * Our own error for what went wrong between the gateway and an upstream. The message says nothing a stranger may not
 * know: host names, ports and system errors stay in `cause`, for the log.
 */
export function upstreamError(cause: unknown, phase: upstreamError.Phase): GatewayError {
  if (cause instanceof GatewayError) return cause
  const code = codeOf(cause)
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' || code === 'UND_ERR_INVALID_ARG')
    return new RequestNotForwardableError({ cause })
  if (phase === 'unsent') return new UpstreamUnreachableError({ cause })
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new UpstreamTimeoutError({ cause })
  return new UpstreamBrokenError({ cause })
}

export declare namespace upstreamError {
  /** `unsent`: not one byte of the request has left, so the upstream has done nothing. */
  type Phase = 'unsent' | 'sent'
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
}

type Options = { cause?: unknown }

/** No connection was made: the upstream has not seen the request. */
export class UpstreamUnreachableError extends GatewayError {
  constructor(options: Options = {}) {
    super({
      message: 'The service behind this route cannot be reached. Nothing was delivered; try again later.',
      status: 502,
      code: 'upstream-unreachable',
      retryAfter: 5,
      cause: options.cause,
    })
  }
}

/** The upstream took the request, or part of it, and did not answer in time. It may have acted on it. */
export class UpstreamTimeoutError extends GatewayError {
  constructor(options: Options = {}) {
    super({
      message: 'The service behind this route did not answer in time.',
      status: 504,
      code: 'upstream-timeout',
      retryAfter: 5,
      cause: options.cause,
    })
  }
}

/** The upstream hung up, was cut off, or did not speak HTTP. It may have acted on the request. */
export class UpstreamBrokenError extends GatewayError {
  constructor(options: Options = {}) {
    super({
      message: 'The service behind this route broke off before its answer was whole.',
      status: 502,
      code: 'upstream-broken',
      retryAfter: 5,
      cause: options.cause,
    })
  }
}

/** Every connection to the upstream is taken and the line of those who wait is full. */
export class UpstreamBusyError extends GatewayError {
  constructor() {
    super({
      message: 'The service behind this route is busy. Nothing was sent; try again shortly.',
      status: 503,
      code: 'upstream-busy',
      retryAfter: 1,
    })
  }
}

/** The request carries something HTTP cannot pass on: a body shorter than it declares, a header out of range. */
export class RequestNotForwardableError extends GatewayError {
  constructor(options: Options = {}) {
    super({
      message: 'The request is not valid HTTP as declared: its body or a header contradicts its description.',
      status: 400,
      code: 'request-not-forwardable',
      cause: options.cause,
    })
  }
}

/** The caller hung up, or whoever forwarded for it gave up. Nobody reads this answer; the log does. */
export class CallerGoneError extends GatewayError {
  constructor(options: Options = {}) {
    super({
      message: 'The caller left before the answer was whole.',
      status: 499,
      code: 'caller-gone',
      cause: options.cause,
    })
  }
}
