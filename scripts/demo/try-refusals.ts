import { parseUnits } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { createPayingFetch, PaymentRefusedError } from '../../client/index.ts'
import type { DevStack } from '../dev/dev-stack.ts'

/** How often the gateway refused what it must refuse, and how often a refused call reached the upstream all the same. */
export type Refusals = { unpaid: number; replayed: number; tokenGate: number; leaked: number }

/** Tries to get served without paying, by paying once for two calls, and without holding a gate's token. */
export async function tryRefusals(stack: DevStack, account: PrivateKeyAccount): Promise<Refusals> {
  const { info, upstream } = stack
  const refused: Refusals = { unpaid: 0, replayed: 0, tokenGate: 0, leaked: 0 }
  const served = () => upstream.total()

  const before = served()
  for (const { method, path, price } of info.routes) {
    if (price === '0' || path.includes(':') || path === '/members') continue
    const response = await fetch(info.gatewayUrl + path, { method })
    await response.arrayBuffer()
    if (response.status === 402) refused.unpaid += 1
  }
  refused.leaked += served() - before

  // A real, paid request, kept as it went over the wire.
  let paid: Request | null = null
  const paying = createPayingFetch({
    account,
    rails: ['charge'],
    limits: limitsOf(info.token.decimals),
    fetch: (input, init) => {
      const request = new Request(input, init)
      const carries = request.headers.has('authorization') || request.headers.has('payment-signature')
      if (carries) paid = request.clone()
      return fetch(request)
    },
  })
  await (await paying(`${info.gatewayUrl}/countries/CH`)).arrayBuffer()
  const afterPaid = served()
  refused.replayed += await replay(paid, info.gatewayUrl)
  refused.leaked += served() - afterPaid

  const beforeGate = served()
  const stranger = await fetch(`${info.gatewayUrl}/members`)
  if (stranger.status === 401) refused.tokenGate += 1
  const withoutToken = await paying(`${info.gatewayUrl}/members`, {
    headers: await signedIn(paying, info.gatewayUrl),
  })
    .then(({ status }) => status)
    .catch((error: unknown) => (error instanceof PaymentRefusedError ? 403 : 0))
  if (withoutToken === 403) refused.tokenGate += 1
  refused.leaked += served() - beforeGate
  return refused
}

/** Sends the paid request once more, to its own route and to another one at the same price. */
async function replay(paid: Request | null, gatewayUrl: string): Promise<number> {
  if (paid === null) throw new Error('No paid request was seen on the wire.')
  const again = await fetch(paid.clone())
  await again.arrayBuffer()
  const elsewhere = await fetch(new Request(`${gatewayUrl}/slow?ms=1`, { headers: paid.headers }))
  await elsewhere.arrayBuffer()
  return [again.headers.get('farthing-replayed') === 'true', elsewhere.status === 402].filter(Boolean).length
}

async function signedIn(
  paying: ReturnType<typeof createPayingFetch>,
  gatewayUrl: string,
): Promise<Record<string, string>> {
  const { token } = await paying.signIn(gatewayUrl)
  return { 'farthing-session': token }
}

const limitsOf = (decimals: number) => ({
  perCall: parseUnits('1', decimals),
  perDay: parseUnits('10', decimals),
})
