import { GatewayError } from '../errors.ts'
import * as Fields from '../upstream/Fields.ts'
import { readAll } from '../upstream/Source.ts'
import type { Called } from './call-target.ts'
import type { Answer } from './sealed-answer.ts'

/**
 * Reads an answer that says it is small whole, so that it can be stored beside its payment; null leaves a stream alone.
 * @throws {AnswerBrokenError} it broke off.
 */
export async function takeAnswer(called: Called, limit: number): Promise<Answer | null> {
  const { status, headers, body } = called
  if (body === null) return { status, headers, body: new Uint8Array() }
  const length = Fields.get(headers, 'content-length')
  if (length === null || Number(length) > limit) return null
  try {
    const bytes = await readAll(body)
    const end = await called.done
    if (end.outcome === 'complete') return { status, headers, body: bytes }
  } catch (error) {
    throw new AnswerBrokenError(error)
  }
  throw new AnswerBrokenError()
}

/** The upstream began to answer and did not finish. */
export class AnswerBrokenError extends GatewayError {
  constructor(cause?: unknown) {
    super({
      status: 502,
      code: 'upstream-broken',
      message: 'The service behind this call broke off its answer.',
      cause,
    })
  }
}
