import { type Hex, parseUnits } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createPayingFetch, type PayingFetch, type Payment, type Rail } from '../../client/index.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import * as Amount from '../../gateway/protocol/Amount.ts'
import { auditGateway } from '../audit/audit-gateway.ts'
import type { DevStack } from '../dev/dev-stack.ts'
import { type ChannelFacts, channelFacts } from './channel-facts.ts'
import { type Refusals, tryRefusals } from './try-refusals.ts'

/** What was measured. Amounts in base units as decimal digits. */
export type DemoResult = {
  ok: boolean
  /** Calls that were answered with a checked receipt. */
  calls: Record<Rail, number>
  channel: ChannelFacts & { calls: number }
  ledger: { balanced: boolean; laws: { law: number; title: string; holds: boolean }[] }
  reconciliation: { differences: string[] }
  refused: Refusals
}

/** Pays over every rail against a running stack and says what it saw. */
export async function runDemo(
  stack: DevStack,
  options: { calls: number; say: (line: string) => void },
): Promise<DemoResult> {
  const { info, gateway } = stack
  const { say } = options
  const url = (path: string) => info.gatewayUrl + path
  const { symbol, decimals } = info.token
  const show = (units: bigint | string) => `${Amount.format(BigInt(units), decimals)} ${symbol}`
  const receipts: Payment[] = []
  const payer = (index: number, rails: readonly Rail[]) =>
    payingWallet(stack, index, rails, (payment) => receipts.push(payment))
  const call = async (fetch: PayingFetch, path: string, init?: RequestInit) => {
    const response = await fetch(url(path), init)
    if (response.status !== 200)
      throw new Error(`${path} was answered ${response.status}: ${await response.text()}`)
    await response.arrayBuffer()
  }

  say(`\ncharge   one transfer on chain for each call`)
  const charging = payer(1, ['charge'])
  await call(charging, '/countries/AT')
  await call(charging, '/echo', { method: 'POST', body: 'paid before the call' })
  await call(charging, '/stream?events=3&intervalMs=1')
  say(`         3 calls, 3 transfers`)

  say(`channel  one deposit, then a signature for each call`)
  const channelling = payer(2, ['channel'])
  for (let done = 0; done < options.calls; done += 1) await call(channelling, '/countries/NZ')
  const [channel] = await channelling.channels()
  if (channel === undefined) throw new Error('The client opened no channel.')
  await channelling.close(channel.channelId)
  const facts = await channelFacts(stack, channel.channelId)
  say(`         ${options.calls} calls, ${facts.onchainTransactions} transactions on chain`)
  say(
    `         ${show(facts.deposit)} deposited, ${show(facts.settled)} paid, ${show(facts.refunded)} refunded`,
  )

  say(`balance  topped up once, spent by a signed-in wallet`)
  const spending = payer(3, ['charge'])
  await call(spending, '/farthing/balance/top-up?amount=0.5', { method: 'POST' })
  const balanced = payer(3, ['balance'])
  for (let done = 0; done < 5; done += 1) await call(balanced, '/countries/JP')
  const wallet = Account.wallet(walletOf(stack, 3).address)
  const asset = Asset.of(info.chainId, info.token.address)
  const left = await gateway.deps.ledger.balance(wallet, asset)
  say(`         5 calls, ${show(left.available)} left`)

  const refused = await tryRefusals(stack, privateKeyToAccount(walletOf(stack, 4).privateKey))
  say(
    `refused  ${refused.unpaid} unpaid, ${refused.replayed} replayed, ${refused.tokenGate} without the token`,
  )

  const audit = await auditGateway(gateway)
  say(`\n${audit.text}`)
  const count = (rail: Rail) => receipts.filter((receipt) => receipt.rail === rail).length
  const calls = { charge: count('charge'), channel: count('channel'), balance: count('balance') }
  const expected = { charge: 4, channel: options.calls, balance: 5 }
  const settledRight =
    BigInt(facts.settled) === parseUnits('0.001', decimals) * BigInt(options.calls) &&
    BigInt(facts.deposit) === BigInt(facts.settled) + BigInt(facts.refunded) &&
    facts.onchainTransactions === 2
  const callsRight = (Object.keys(expected) as Rail[]).every((rail) => calls[rail] === expected[rail])
  const refusedRight =
    refused.unpaid > 0 && refused.replayed > 0 && refused.tokenGate > 0 && refused.leaked === 0
  return {
    ok: audit.ok && settledRight && callsRight && refusedRight,
    calls,
    channel: { calls: calls.channel, ...facts },
    ledger: {
      balanced: audit.ledger.balanced,
      laws: audit.ledger.laws.map(({ law, title, holds }) => ({ law, title, holds })),
    },
    reconciliation: { differences: audit.reconciliation.differences.map(({ text }) => text) },
    refused,
  }
}

/** Limits that a careful wallet would set for this demo. */
function payingWallet(
  { info }: DevStack,
  index: number,
  rails: readonly Rail[],
  onPayment: (payment: Payment) => void,
): PayingFetch {
  const wallet = info.wallets[index]
  if (wallet === undefined) throw new Error(`The stack has no wallet ${index}.`)
  const { decimals } = info.token
  return createPayingFetch({
    account: privateKeyToAccount(wallet.privateKey),
    rails,
    limits: {
      perCall: parseUnits('1', decimals),
      perDay: parseUnits('100', decimals),
      deposit: parseUnits('2', decimals),
    },
    rpcUrl: info.rpcUrl,
    onPayment,
  })
}

function walletOf({ info }: DevStack, index: number): { address: Hex; privateKey: Hex } {
  const wallet = info.wallets[index]
  if (wallet === undefined) throw new Error(`The stack has no wallet ${index}.`)
  return wallet
}
