import type { Hex } from 'viem'
import { createPayingFetch } from '../../client/index.ts'
import { routes } from './Gateway.ts'
import type { Key } from './Key.ts'

/** A wallet with an open channel, credit, and a session. `cumulative`: what its last voucher said. */
export type Payer = { key: Key; channelId: Hex; cumulative: bigint; session: string }

/** Opens a channel, tops up and signs in for each key, through the gateway, as a client does. */
export async function preparePayers(url: string, keys: readonly Key[]): Promise<Payer[]> {
  const payers: Payer[] = []
  for (const key of keys) {
    const channel = await openChannel(url, key)
    const session = await signIn(url, key)
    payers.push({ key, ...channel, session })
  }
  return payers
}

async function openChannel(url: string, { account }: Key): Promise<Pick<Payer, 'channelId' | 'cumulative'>> {
  const limits = { perCall: 10n ** 12n, perDay: 10n ** 15n, deposit: 10n ** 13n }
  const channelling = createPayingFetch({ account, limits, rails: ['channel'] })
  await expectOk(await channelling(url + routes.paid))
  const [channel] = await channelling.channels()
  if (channel === undefined) throw new Error('The client opened no channel.')
  const charging = createPayingFetch({ account, limits, rails: ['charge'] })
  await expectOk(await charging(`${url}/farthing/balance/top-up?amount=1000`, { method: 'POST' }))
  return { channelId: channel.channelId, cumulative: channel.signed }
}

async function signIn(url: string, { account, address }: Key): Promise<string> {
  const prepared = await expectOk(await fetch(`${url}/farthing/sign-in?address=${address}`))
  const { message } = prepared as { message: string }
  const answer = await fetch(`${url}/farthing/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message, signature: await account.signMessage({ message }) }),
  })
  return ((await expectOk(answer)) as { token: string }).token
}

async function expectOk(response: Response): Promise<unknown> {
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.url} was answered ${response.status}: ${text}`)
  return JSON.parse(text)
}
