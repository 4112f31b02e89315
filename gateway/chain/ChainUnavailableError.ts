import { BaseError } from 'viem'
import { GatewayError } from '../errors.ts'

/** The node did not answer. It says nothing about what is true on chain: ask again. */
export class ChainUnavailableError extends GatewayError {
  constructor(doing: string, cause: unknown) {
    const why = cause instanceof BaseError ? cause.shortMessage : 'it did not answer'
    super({
      message: `Chain node failed at ${doing}: ${why.replace(/https?:\/\/\S+/g, '<rpc>')} Ask again shortly.`,
      status: 503,
      code: 'chain-unavailable',
      retryAfter: 5,
      cause,
    })
  }
}

/** Runs a read and turns every failure of it into {@link ChainUnavailableError}. `doing` names it, e.g. `eth_call`. */
export async function asking<Result>(doing: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    throw error instanceof ChainUnavailableError ? error : new ChainUnavailableError(doing, error)
  }
}
