import { within } from './virtual-time.ts'
import type { World } from './World.ts'

/** What came back. `whole`: the body ended as it should. */
export type Reply = { status: number; headers: Headers; body: string; whole: boolean }

/**
 * Sends a request to the gateway that lives now, over a network that may lose the question or the answer. Null: nothing
 * came back.
 */
export async function send(
  world: World,
  make: () => Request,
  options: send.Options = {},
): Promise<Reply | null> {
  const { lose = null, onResponse } = options
  await world.scheduler.sleep(options.delayMs ?? 10)
  const instance = world.current
  const gateway = instance?.gateway ?? null
  if (instance === null || gateway === null) return null
  if (lose !== null) world.faults.add(lose === 'hang-up' ? 'caller hung up' : `network lost the ${lose}`)
  if (lose === 'question') return null
  const response = await Promise.race([
    within(instance, () => Promise.resolve(gateway.app.fetch(make()))),
    instance.died,
  ])
  if (response === 'died') return null
  await onResponse?.(response)
  const released = await Promise.race([instance.at('release', 5, () => true), instance.died])
  if (released === 'died') {
    return null
  }
  if (lose === 'hang-up') {
    await response.body?.cancel().catch(() => {})
    return null
  }
  const body = await read(response, instance.died)
  return lose === 'answer' || body === null
    ? null
    : { status: response.status, headers: response.headers, ...body }
}

export declare namespace send {
  type Options = {
    delayMs?: number
    lose?: 'question' | 'answer' | 'hang-up' | null
    onResponse?: (response: Response) => Promise<void>
  }
}

async function read(
  response: Response,
  died: Promise<'died'>,
): Promise<{ body: string; whole: boolean } | null> {
  if (response.body === null) return { body: '', whole: true }
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let body = ''
  for (;;) {
    const piece = await Promise.race([reader.read().catch(() => 'broken' as const), died])
    if (piece === 'died') return null
    if (piece === 'broken') return { body, whole: false }
    if (piece.done) return { body, whole: true }
    body += decoder.decode(piece.value, { stream: true })
  }
}
