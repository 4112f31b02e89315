import { afterEach } from 'vitest'
import type { createForwarder } from '../../gateway/upstream/Forwarder.ts'
import { forwarderOf as makeForwarder, rawUpstream } from './raw-upstream.ts'

/** What a test leaves behind, ended after it. */
export const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** An upstream for one test. */
export async function upstreamOf(answer: Parameters<typeof rawUpstream>[0]) {
  const upstream = await rawUpstream(answer)
  cleanups.push(() => upstream.close())
  return upstream
}

/** A forwarder for one test. */
export function forwarderOf(limits: createForwarder.Options['limits'] = {}) {
  const forwarder = makeForwarder({ limits })
  cleanups.push(() => forwarder.destroy())
  return forwarder
}

export const text = (body: ReadableStream<Uint8Array> | null) => new Response(body).text()
