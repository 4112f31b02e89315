import { Hono } from 'hono'
import type { Gateway } from '../../gateway/gateway.ts'
import { farthing } from '../../gateway/middleware.ts'

/** An app of yours that sells one of its own routes: the gateway is made with a route that has no `upstream`. */
export function createReports(gateway: Gateway): Hono {
  const app = new Hono()
  app.use(farthing(gateway))
  app.get('/report', (c) => c.json({ report: 'all quiet', for: c.req.header('x-farthing-wallet') ?? null }))
  app.get('/about', (c) => c.text('free for everybody'))
  return app
}
