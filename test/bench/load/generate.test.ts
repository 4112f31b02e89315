import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generate } from '../../../scripts/bench/load/generate.ts'
import { request } from '../../../scripts/bench/load/request.ts'

/** The load generator against a server that counts. */

let server: Server
let seen = 0
let port = 0
beforeAll(async () => {
  server = createServer((asked, response) => {
    seen += 1
    response.writeHead(asked.url === '/broken' ? 500 : 200, { 'content-length': '2' })
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => server?.close())

const script = (path: string, connections: number, calls = 1) =>
  Array.from({ length: connections }, () => Array.from({ length: calls }, () => request(path)))

describe('generate', () => {
  test('default: every answer is counted, and none twice', async () => {
    seen = 0
    const result = await generate({ port, script: script('/', 3), loop: true, warmMs: 20, measureMs: 100 })
    expect(result).toMatchObject({ failed: 0, exhausted: 0, firstFailure: null, answeredInAll: seen })
    expect(result.answered).toBe(result.latencies.length)
    expect(result.answered).toBeGreaterThan(0)
    expect(result.answered).toBeLessThanOrEqual(result.answeredInAll)
  })

  test('behavior: a steady rate is kept, whatever the server could do', async () => {
    seen = 0
    const result = await generate({
      port,
      script: script('/', 4),
      loop: true,
      warmMs: 0,
      measureMs: 500,
      perSecond: 100,
    })
    expect(result).toMatchObject({ failed: 0, answeredInAll: seen })
    expect(seen).toBeLessThanOrEqual(51)
  })

  test('error: a script that is too short is told, and a refusal is a failure', async () => {
    const short = await generate({ port, script: script('/', 2, 3), loop: false, warmMs: 0, measureMs: 200 })
    expect(short).toMatchObject({ exhausted: 2, answeredInAll: 6 })
    const broken = await generate({
      port,
      script: script('/broken', 1, 3),
      loop: false,
      warmMs: 0,
      measureMs: 200,
    })
    expect(broken).toMatchObject({ answered: 0, failed: 3 })
    expect(broken.firstFailure).toContain('500')
  })
})
