// x402-batch.mjs JOB.json: @x402/hono with the batch-settlement scheme, set up as its readme says, channels in its own
// memory store. What would go to a facilitator is a stub: the channels are known beforehand, so it must not be asked.
import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { BatchSettlementEvmScheme, InMemoryChannelStorage } from '@x402/evm/batch-settlement/server'
import { paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const { network, receiver, receiverAuthorizer } = job
const asked = () => {
  throw new Error('The facilitator was asked while the channels were known.')
}

const storage = new InMemoryChannelStorage()
const now = Date.now()
for (const { channelId, channelConfig } of job.channels)
  await storage.updateChannel(channelId, () => ({
    channelId,
    channelConfig,
    balance: '1000000000000',
    totalClaimed: '0',
    chargedCumulativeAmount: '0',
    signedMaxClaimable: '0',
    signature: '0x',
    withdrawRequestedAt: 0,
    refundNonce: 0,
    onchainSyncedAt: now,
    lastRequestTimestamp: now,
  }))

const facilitator = {
  getSupported: async () => ({
    kinds: [{ x402Version: 2, scheme: 'batch-settlement', network, extra: { receiverAuthorizer } }],
    extensions: [],
    signers: {},
  }),
  verify: async () => asked(),
  settle: async () => asked(),
}
const server = new x402ResourceServer(facilitator).register(
  network,
  new BatchSettlementEvmScheme(receiver, { storage }),
)
const offer = { scheme: 'batch-settlement', price: '$0.001', network, payTo: receiver }
const app = new Hono()
app.use(paymentMiddleware({ 'GET /paid': { accepts: offer, description: 'A call' } }, server))
app.get('/paid', (c) => c.json(job.answer))
serve({ fetch: app.fetch, port: job.port, hostname: '127.0.0.1' }, () => process.stdout.write('ready\n'))
process.on('SIGTERM', () => process.exit(0))
