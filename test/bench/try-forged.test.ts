import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { request } from '../../scripts/bench/load/request.ts'
import { PaymentsUncheckedError, tryForged } from '../../scripts/bench/try-forged.ts'

/** The attack on ourselves: a server that checks nothing would win every comparison. */

let server: Server
let port = 0
beforeAll(async () => {
  server = createServer((asked, response) => {
    response.writeHead(asked.url === '/checks' ? 402 : 200)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => server?.close())

describe('tryForged', () => {
  test('default: a server that refuses may be measured', async () => {
    expect(await tryForged('row', port, [request('/checks'), request('/checks')])).toBe(2)
  })

  test('error: a server that lets a forged payment through is not measured', async () => {
    await expect(tryForged('row', port, [request('/lets-through')])).rejects.toThrow(PaymentsUncheckedError)
  })
})
