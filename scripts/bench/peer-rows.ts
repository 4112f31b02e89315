import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../dev/free-port.ts'
import { type Key, key } from './Key.ts'
import * as mppx from './peers/mppx.ts'
import * as x402 from './peers/x402.ts'
import type { Row } from './Row.ts'
import { startServer } from './server.ts'
import { answer } from './servers/answer.ts'

/** Servers of other teams, as their users set them up. Neither forwards a call, and neither writes to a disk. */
export function peerRows(skipped: string | null): readonly Row[] {
  return [
    {
      name: 'x402-batch',
      title: '@x402/hono, batch-settlement, memory store, not proxied',
      skipped,
      hasProbe: true,
      async start(context) {
        const channels = payersOf(context).map((payer, index) => x402.channelOf(payer, index))
        const { network, receiver, receiverAuthorizer } = x402
        const stated = channels.map(({ channelId, channelConfig }) => ({ channelId, channelConfig }))
        const job = { network, receiver, receiverAuthorizer, channels: stated }
        const { server, port } = await startPeer('x402-batch', job, context)
        return closing(server, async () => {
          const offer = await x402.offerOf(`http://127.0.0.1:${port}/paid`)
          const script = channels.map((channel) =>
            vouchersOf(channel, context.calls(fastest)).map((voucher) =>
              x402.paidRequest(offer, channel, voucher),
            ),
          )
          const forged = channels
            .slice(0, 1)
            .map((channel) => x402.paidRequest(offer, channel, x402.voucherOf(channel, 1, key('stranger'))))
          return { server, port, script, loop: false, refused: forged }
        })
      },
    },
    {
      name: 'mppx-charge',
      title: 'mppx/hono, evm charge, settlement stubbed, not proxied',
      skipped,
      hasProbe: true,
      async start(context) {
        const { secretKey, realm, amount, recipient } = mppx
        const { server, port } = await startPeer(
          'mppx-charge',
          { secretKey, realm, amount, recipient },
          context,
        )
        return closing(server, async () => {
          const payers = payersOf(context)
          const script = await credentialsOf(payers, context.calls(fastest))
          const refused = await mppx.paidRequests(payers[0] ?? key('payer 0'), 1, key('stranger'))
          return { server, port, script, loop: false, refused }
        })
      },
    },
  ]
}

/** More calls a second than any server of theirs makes. */
const fastest = 2_000

const payersOf = ({ stand }: Row.Context): Key[] => stand.payers.map((payer) => payer.key)

async function startPeer(name: string, job: object, { folder, probe }: Row.Context) {
  const port = await freePort()
  const path = join(folder, `${name}.json`)
  writeFileSync(path, JSON.stringify({ ...job, port, answer: JSON.parse(answer) }))
  return { port, server: await startServer(`peers/${name}.mjs`, [path], { probe }) }
}

/** Ends the server when what comes after its start fails. */
async function closing(server: { stop(): Promise<void> }, work: () => Promise<Row.Started>) {
  try {
    return await work()
  } catch (error) {
    await server.stop()
    throw error
  }
}

// Every sample begins with servers that have seen nothing, so what is signed once is good for all of them.
const vouchers = new Map<string, x402.Voucher[]>()
function vouchersOf(channel: x402.Channel, count: number): x402.Voucher[] {
  const known = vouchers.get(channel.channelId) ?? []
  while (known.length < count) known.push(x402.voucherOf(channel, known.length + 1))
  vouchers.set(channel.channelId, known)
  return known.slice(0, count)
}

let credentials: Buffer[][] = []
async function credentialsOf(payers: readonly Key[], count: number): Promise<Buffer[][]> {
  if (credentials.length !== payers.length || (credentials[0]?.length ?? 0) < count) {
    credentials = []
    for (const payer of payers) credentials.push(await mppx.paidRequests(payer, count))
  }
  return credentials
}
