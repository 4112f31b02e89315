import type { MiddlewareHandler } from 'hono'
import type { Gateway } from './gateway.ts'
import { fromRequest } from './request/from-request.ts'
import { toResponse } from './request/Outgoing.ts'
import { handle } from './request/pipeline.ts'
import type { HandlerCall } from './routes/Route.ts'

/**
 * The gateway inside an app of yours: a call to one of its routes is paid before your own handler answers it, by the
 * same engine. Other calls pass through.
 *
 * ```ts
 * app.use(farthing(gateway))
 * app.get('/report', (c) => c.json({ wallet: c.req.header('x-farthing-wallet') }))
 * ```
 */
export function farthing(gateway: Gateway): MiddlewareHandler {
  return async (c, next) => {
    const url = new URL(c.req.url)
    const target: string = c.env?.incoming?.url ?? url.pathname + url.search
    const { deps } = gateway
    // Sign-in, balance and discovery are the gateway's own, wherever it is.
    if (/^\/farthing(?:[/?]|$)/.test(target)) return gateway.app.fetch(c.req.raw, c.env)
    if (!gateway.sells(target)) return next()
    const serve = async ({ request }: HandlerCall) => {
      c.req.raw = request
      await next()
      return c.res
    }
    const answer = await handle(fromRequest(c.req.raw, { target, serve }), deps)
    c.res = undefined
    c.res = toResponse(answer)
    return undefined
  }
}
