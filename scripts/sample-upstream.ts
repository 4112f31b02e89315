import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { type HttpBindings, serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Country } from 'world-countries'

/** A service worth selling, and the ways a service can fail: for development, the demo and tests. */
export type SampleUpstream = {
  url: string
  close(): Promise<void>
  /** How often each path was asked for, without its query. */
  calls(): Record<string, number>
  total(): number
}

const countries: readonly Country[] = createRequire(import.meta.url)('world-countries')

/** The app alone; `serveSampleUpstream` gives it a port and counts its calls. */
export function createSampleUpstream(): Hono<Env> {
  const app = new Hono<Env>()
  const byCode = (code: string) => {
    const wanted = code.toUpperCase()
    return countries.find(({ cca2, cca3 }) => cca2 === wanted || cca3 === wanted)
  }

  app.get('/countries', (c) => {
    const wanted = (c.req.query('q') ?? '').toLowerCase()
    const found = countries.filter(({ name }) => name.common.toLowerCase().includes(wanted))
    return c.json(found.map(summary))
  })
  for (const path of ['/countries/:code', '/dai/:code'])
    app.get(path, (c) => {
      const country = byCode(c.req.param('code') ?? '')
      return country === undefined ? c.json({ error: 'no such country' }, 404) : c.json(detail(country))
    })

  app.get('/slow', async (c) => {
    const ms = bounded(c.req.query('ms'), 1_000, 60_000)
    await pause(ms, c.req.raw.signal)
    return c.json({ ms })
  })
  app.all('/fail', (c) => {
    const status = bounded(c.req.query('status'), 500, 599)
    return new Response(JSON.stringify({ error: 'failed, as asked' }), {
      status: status < 200 ? 500 : status,
      headers: { 'content-type': 'application/json' },
    })
  })
  app.get('/large', (c) => {
    const bytes = bounded(c.req.query('bytes'), 1_000_000, 1_000_000_000)
    return new Response(filler(bytes), {
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes) },
    })
  })
  app.get('/stream', (c) => {
    const events = bounded(c.req.query('events'), 5, 1_000)
    const interval = bounded(c.req.query('intervalMs'), 0, 60_000)
    return streamSSE(c, async (stream) => {
      for (let id = 1; id <= events && !stream.aborted; id += 1) {
        if (id > 1) await stream.sleep(interval)
        const country = countries[id % countries.length]
        await stream.writeSSE({ id: String(id), data: JSON.stringify(country?.name.common) })
      }
    })
  })
  app.all('/echo', async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer())
    const { pathname, search } = new URL(c.req.url)
    const sha256 = createHash('sha256').update(body).digest('hex')
    const headers = Object.fromEntries(c.req.raw.headers)
    return c.json({
      method: c.req.method,
      path: pathname + search,
      headers,
      body: { bytes: body.byteLength, sha256 },
    })
  })
  app.all('/truncate', (c) => {
    const { outgoing } = c.env
    outgoing.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' })
    outgoing.write('ten bytes.', () => outgoing.destroy())
    return RESPONSE_ALREADY_SENT
  })
  app.all('/hang', async (c) => {
    await pause(600_000, c.req.raw.signal)
    return c.text('too late')
  })
  return app
}

/** Serves the sample on loopback. Port 0 takes a free one. */
export function serveSampleUpstream(options: { port: number }): Promise<SampleUpstream> {
  const calls = new Map<string, number>()
  const app = new Hono<Env>()
  app.use('*', (c, next) => {
    calls.set(c.req.path, (calls.get(c.req.path) ?? 0) + 1)
    return next()
  })
  app.route('/', createSampleUpstream())
  return new Promise((resolve, reject) => {
    const server = serve(
      { fetch: app.fetch, port: options.port, hostname: '127.0.0.1', overrideGlobalObjects: false },
      ({ port }) =>
        resolve({
          url: `http://127.0.0.1:${port}`,
          calls: () => Object.fromEntries(calls),
          total: () => [...calls.values()].reduce((sum, count) => sum + count, 0),
          close: () =>
            new Promise((closed) => {
              server.close(() => closed())
              if ('closeAllConnections' in server) server.closeAllConnections()
            }),
        }),
    )
    server.once('error', reject)
  })
}

type Env = { Bindings: HttpBindings }

function summary({ cca2, name, region }: Country) {
  return { cca2, name: name.common, region }
}

function detail(country: Country) {
  const { cca2, cca3, name, capital, region, area, languages, currencies, borders, flag } = country
  return { cca2, cca3, name: name.common, capital, region, area, languages, currencies, borders, flag }
}

/** A whole number from a query, within its bounds; what is missing or malformed becomes the default. */
function bounded(text: string | undefined, otherwise: number, most: number): number {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Math.min(Number(text), most) : otherwise
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** So many bytes, made only as fast as they are read. */
function filler(bytes: number): ReadableStream<Uint8Array> {
  const block = new Uint8Array(64 * 1024).fill(0x2e)
  let left = bytes
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const size = Math.min(left, block.byteLength)
        if (size > 0) controller.enqueue(block.slice(0, size))
        left -= size
        if (left === 0) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}
