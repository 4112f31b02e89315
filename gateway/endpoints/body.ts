import type * as z from 'zod'
import { GatewayError } from '../errors.ts'

const limit = 16_384

/** Reads a small JSON body of a known shape. @throws {BodyUnusableError} 400, naming the member. */
export async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const length = Number(request.headers.get('content-length') ?? 0)
  if (length > limit) throw new BodyUnusableError(`has ${length} bytes; at most ${limit} are read`, 413)
  const parsed = schema.safeParse(parse(await readText(request)))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new BodyUnusableError(
    `${issue?.path.map(String).join('.') || 'it'}: ${issue?.message ?? 'is not valid'}`,
  )
}

async function readText(request: Request): Promise<string> {
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > limit) throw new BodyUnusableError(`has more than ${limit} bytes`, 413)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new BodyUnusableError('is not JSON')
  }
}

/** The request's body cannot be used. */
export class BodyUnusableError extends GatewayError {
  constructor(complaint: string, status = 400) {
    super({ status, code: 'body-unusable', message: `The request body ${complaint}.` })
  }
}
