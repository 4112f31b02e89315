import { Hono } from 'hono'
import type { Address, Hex } from 'viem'
import * as z from 'zod'
import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import * as SignIn from '../wallet/SignIn.ts'
import { readJson } from './body.ts'
import { tokenOf } from './session-of.ts'

const signed = z.object({
  message: z.string().max(4_096),
  signature: z.string().regex(/^0x[0-9a-fA-F]{2,8192}$/, 'is not 0x hex'),
})

/** `GET` gives the message to sign, `POST` takes it signed and opens a session, `DELETE` ends the session. */
export function signInEndpoints(deps: Deps): Hono {
  const app = new Hono()
  app.get('/', async (c) => {
    const address = c.req.query('address') ?? ''
    if (!/^0x[0-9a-fA-F]{40}$/.test(address))
      throw new GatewayError({
        status: 400,
        code: 'address-unusable',
        message: 'Name the wallet that signs in, as ?address=0x….',
      })
    return c.json(await SignIn.prepare(address.toLowerCase() as Address, deps))
  })
  app.post('/', async (c) => {
    const { message, signature } = await readJson(c.req.raw, signed)
    const opened = await SignIn.complete({ message, signature: signature as Hex }, deps)
    return c.json({ ...opened, expiresAt: new Date(opened.expiresAt).toISOString() })
  })
  app.delete('/', async (c) => {
    const token = tokenOf(c.req.raw)
    if (token !== null) await deps.sessions.end(token)
    return c.body(null, 204)
  })
  return app
}
