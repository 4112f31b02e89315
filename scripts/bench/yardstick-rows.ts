import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../dev/free-port.ts'
import { price, routes } from './Gateway.ts'
import { fastest, forgedVouchers, freshVouchers } from './gateway-rows.ts'
import type { KeptJob } from './limit-kept.ts'
import { request } from './load/request.ts'
import type { Payer } from './payers.ts'
import type { Row } from './Row.ts'
import { startServer } from './server.ts'
import { hasNginx, startNginx } from './servers/nginx.ts'
import { paidRequests, sessionOfferStub } from './vouchers.ts'

const free = (connections: number) => Array.from({ length: connections }, () => [request(routes.free)])

/** What the gateway is compared with: the same work with nothing around it. */
export const yardstickRows: readonly Row[] = [
  {
    name: 'dispatch',
    title: 'bare node:http and undici Pool.dispatch',
    skipped: null,
    hasProbe: true,
    async start({ stand, probe }) {
      const port = await freePort()
      const server = await startServer('servers/dispatch.ts', [port, stand.upstream.port], { probe })
      return { server, port, script: free(stand.payers.length), loop: true, refused: [] }
    },
  },
  prototype('limit', 'prototype: voucher, durable, proxied, nothing else', 'limit.ts', 'voucher'),
  prototype('limit-kept', 'prototype that keeps the promise, voucher', 'limit-kept.ts', 'voucher'),
  prototype('limit-balance', 'prototype that keeps the promise, balance', 'limit-kept.ts', 'session'),
  {
    name: 'nginx',
    title: 'nginx as a plain proxy',
    skipped: hasNginx ? null : 'nginx is not installed',
    hasProbe: false,
    async start({ stand, folder }) {
      const { port, ...server } = await startNginx('server', folder, { proxies: stand.upstream.port })
      return { server, port, script: free(stand.payers.length), loop: true, refused: [] }
    },
  },
]

/** A prototype on the channels of this run, paid by a fresh voucher each call or by a session. */
function prototype(name: string, title: string, file: string, by: 'voucher' | 'session'): Row {
  return {
    name,
    title,
    skipped: null,
    hasProbe: true,
    async start({ stand, folder, calls, probe }) {
      const port = await freePort()
      const { chainId, escrow } = stand.chain
      const path = join(folder, `${name}.json`)
      const job: KeptJob = {
        port,
        upstream: stand.upstream.port,
        database: join(folder, `${name}.sqlite`),
        chainId,
        escrow,
        price: price.toString(),
        channels: stand.payers.map(({ channelId, key, cumulative }) => ({
          id: channelId,
          signer: key.address,
          cumulative: cumulative.toString(),
        })),
        sessions: stand.payers.map(({ session }) => session),
      }
      writeFileSync(path, JSON.stringify(job))
      const server = await startServer(file, [path], { probe })
      const toRequest = paidRequests(sessionOfferStub, chainId)
      const refused = forgedVouchers(stand).map(toRequest)
      if (by === 'session') {
        const spend = ({ session }: Payer) => request(routes.paid, { authorization: `Bearer ${session}` })
        return { server, port, script: stand.payers.map((payer) => [spend(payer)]), loop: true, refused }
      }
      const script = freshVouchers(stand, calls(fastest)).map((signed) => signed.map(toRequest))
      return { server, port, script, loop: false, refused }
    },
  }
}
