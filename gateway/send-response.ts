import type { ServerResponse } from 'node:http'
import { GatewayError } from './errors.ts'
import { problem } from './request/problem.ts'

/**
 * Writes a response to its socket, no faster than the caller reads. A body that breaks takes the connection with it, so
 * that no caller can take half an answer for a whole one; one that breaks before anything was written is a problem
 * document instead.
 */
export async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  const { status, headers, body } = response
  const fields: Record<string, string | string[]> = Object.fromEntries(headers)
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) fields['set-cookie'] = cookies
  if (body === null) {
    outgoing.writeHead(status, fields).end()
    return
  }
  const reader = body.getReader()
  const gone = () => void reader.cancel().catch(() => {})
  if (outgoing.destroyed) return gone()
  const closed = new Promise<void>((resolve) => outgoing.once('close', resolve))
  void closed.then(gone)
  try {
    const first = reader.read()
    // An answer that is there leaves in one piece with its head; a slow one sends its head on ahead.
    const early = setImmediate(() => outgoing.writeHead(status, fields).flushHeaders())
    let { done, value } = await first.finally(() => clearImmediate(early))
    if (!outgoing.headersSent) outgoing.writeHead(status, fields)
    while (!done && !outgoing.destroyed) {
      if (!outgoing.write(value))
        await Promise.race([closed, new Promise((resolve) => outgoing.once('drain', resolve))])
      ;({ done, value } = await reader.read())
    }
    outgoing.end()
  } catch (error) {
    if (outgoing.headersSent || !(error instanceof GatewayError)) outgoing.destroy()
    else await sendResponse(problem(error), outgoing)
  }
}
