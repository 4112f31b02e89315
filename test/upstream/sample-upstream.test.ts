import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UpstreamBrokenError, UpstreamTimeoutError } from '../../gateway/upstream/upstream-error.ts'
import { type SampleUpstream, serveSampleUpstream } from '../../scripts/sample-upstream.ts'
import { call, forwarderOf } from './raw-upstream.ts'

let sample: SampleUpstream
const forwarder = forwarderOf({})
beforeAll(async () => {
  sample = await serveSampleUpstream({ port: 0 })
})
afterAll(async () => {
  await forwarder.destroy()
  await sample.close()
})
const get = (path: string, changes = {}) => forwarder.forward(call(new URL(sample.url), { path, ...changes }))
const read = async (path: string, changes = {}) => new Response((await get(path, changes)).body)

describe('sample upstream, through the forwarder', () => {
  test('default: countries, all, by search and by code', async () => {
    expect(await (await read('/countries')).json()).toHaveLength(250)
    expect(await (await read('/countries?q=austri')).json()).toEqual([
      { cca2: 'AT', name: 'Austria', region: 'Europe' },
    ])
    expect(await (await read('/countries/aut')).json()).toMatchObject({ cca2: 'AT', capital: ['Vienna'] })
    expect((await get('/countries/zz')).status).toBe(404)
    expect(sample.calls()).toMatchObject({ '/countries': 2, '/countries/aut': 1, '/countries/zz': 1 })
    expect(sample.total()).toBe(4)
  })

  test('behavior: echo tells what arrived', async () => {
    const body = new TextEncoder().encode('abc')
    const headers = new Headers({ authorization: 'secret', a: '1' })
    const echo = await (
      await read('/echo?x=1', { method: 'POST', body, headers, set: { 'x-farthing-call': 'c1' } })
    ).json()
    expect(echo).toMatchObject({
      method: 'POST',
      path: '/echo?x=1',
      headers: { a: '1', 'x-farthing-call': 'c1' },
      body: { bytes: 3, sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
    })
    expect(echo.headers).not.toHaveProperty('authorization')
  })

  test('behavior: streams a large body and events', async () => {
    expect((await (await read('/large?bytes=3000000')).arrayBuffer()).byteLength).toBe(3_000_000)
    const events = await (await read('/stream?events=3&intervalMs=1')).text()
    expect(events.match(/^data:/gm)).toHaveLength(3)
  })

  test('behavior: fails, delays, cuts and hangs as asked', async () => {
    expect((await get('/fail?status=418')).status).toBe(418)
    expect(await (await read('/slow?ms=5')).json()).toEqual({ ms: 5 })
    await expect(read('/truncate').then((response) => response.text())).rejects.toThrow(UpstreamBrokenError)
    await expect(get('/hang', { deadlineMs: 50 })).rejects.toThrow(UpstreamTimeoutError)
  })
})
