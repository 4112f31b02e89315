import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../dev/free-port.ts'
import { price, routes } from './Gateway.ts'
import { fastest, forgedVouchers, freshVouchers } from './gateway-rows.ts'
import type { Job } from './limit.ts'
import { request } from './load/request.ts'
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
  {
    name: 'limit',
    title: 'prototype: voucher, durable, proxied, nothing else',
    skipped: null,
    hasProbe: true,
    async start({ stand, folder, calls, probe }) {
      const port = await freePort()
      const { chainId, escrow } = stand.chain
      const path = join(folder, 'limit.json')
      const job: Job = {
        port,
        upstream: stand.upstream.port,
        database: join(folder, 'limit.sqlite'),
        chainId,
        escrow,
        price: price.toString(),
        channels: stand.payers.map(({ channelId, key, cumulative }) => ({
          id: channelId,
          signer: key.address,
          cumulative: cumulative.toString(),
        })),
      }
      writeFileSync(path, JSON.stringify(job))
      const server = await startServer('limit.ts', [path], { probe })
      const toRequest = paidRequests(sessionOfferStub, chainId)
      const script = freshVouchers(stand, calls(fastest)).map((signed) => signed.map(toRequest))
      const refused = forgedVouchers(stand).map(toRequest)
      return { server, port, script, loop: false, refused }
    },
  },
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
