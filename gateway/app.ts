import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Deps } from './deps.ts'
import { accountEndpoints } from './endpoints/account.ts'
import { discoveryEndpoints } from './endpoints/discovery.ts'
import { paymentEndpoints } from './endpoints/payments.ts'
import { signInEndpoints } from './endpoints/sign-in.ts'
import { withdrawalEndpoints } from './endpoints/withdrawals.ts'
import { allowed, exposeHeaders, exposing } from './request/cors.ts'
import { fromRequest } from './request/from-request.ts'
import { toResponse } from './request/Outgoing.ts'
import { handle } from './request/pipeline.ts'
import { errorAnswer } from './request/problem.ts'

type Env = { Bindings: Partial<HttpBindings> }

/** Mounts what is not a paid call, and sends everything else through the pipeline. No rules stand here. */
export function createApp(deps: Deps): Hono<Env> {
  const app = new Hono<Env>()
  const own = new Hono<Env>()
  own.use('*', async (c, next) => {
    await next()
    c.header('cache-control', 'no-store')
    for (const [name, value] of exposing) c.res.headers.set(name, value)
  })
  own.options('*', () => toResponse(allowed(['DELETE', 'GET', 'HEAD', 'POST'])))
  own.route('/sign-in', signInEndpoints(deps))
  own.route('/', accountEndpoints(deps))
  own.route('/', paymentEndpoints(deps))
  own.route('/', withdrawalEndpoints(deps))
  own.route('/', discoveryEndpoints(deps))

  app.route('/farthing', own)
  app.all('*', async (c) => toResponse(await handle(fromRequest(c.req.raw, { target: targetOf(c) }), deps)))
  app.onError((error) => toResponse(exposeHeaders(errorAnswer(error, deps))))
  return app
}

/** The target as it stood on the request line; from a plain `Request` (an embedding app, a test) what its URL has. */
function targetOf(c: Context<Env>): string {
  const raw = c.env?.incoming?.url
  if (raw !== undefined) return raw
  const url = new URL(c.req.url)
  return url.pathname + url.search
}
