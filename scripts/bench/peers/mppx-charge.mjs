// mppx-charge.mjs JOB.json: mppx/hono with the evm charge method, set up as its documentation says. The transfer on chain
// is a stub that says at once that it is settled.
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { evm } from 'mppx/evm/server'
import { Mppx } from 'mppx/hono'

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const charge = evm.charge({
  currency: evm.assets.baseSepolia.USDC,
  recipient: job.recipient,
  settle: async () => ({ reference: `0x${'22'.repeat(32)}` }),
})
const mppx = Mppx.create({ secretKey: job.secretKey, realm: job.realm, methods: [charge] })

const app = new Hono()
app.get('/paid', mppx.charge({ amount: job.amount }), (c) => c.json(job.answer))
serve({ fetch: app.fetch, port: job.port, hostname: '127.0.0.1' }, () => process.stdout.write('ready\n'))
process.on('SIGTERM', () => process.exit(0))
