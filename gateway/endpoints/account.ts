import { Hono } from 'hono'
import type { Address } from 'viem'
import type { Deps } from '../deps.ts'
import * as Account from '../ledger/Account.ts'
import * as Token from '../routes/Token.ts'
import { walletOf } from './session-of.ts'

/** What a signed-in wallet has here: its balance, and its channels. Amounts in base units as decimal digits. */
export function accountEndpoints(deps: Deps): Hono {
  const app = new Hono()
  app.get('/balance', async (c) => c.json(await balanceOf(await walletOf(c.req.raw, deps), deps)))
  app.get('/channels', async (c) => {
    const payer = await walletOf(c.req.raw, deps)
    const channels = await deps.ledger.channels({ payer, limit: 1_000 })
    return c.json({
      channels: channels.map((channel) => {
        const token = [...deps.config.tokens.values()].find(({ address }) => address === channel.token)
        return {
          channelId: channel.id,
          chainId: channel.chainId,
          escrow: channel.escrow,
          payee: channel.payee,
          token: channel.token,
          symbol: token?.symbol ?? null,
          decimals: token?.decimals ?? null,
          deposit: channel.deposit.toString(),
          accepted: channel.accepted.toString(),
          // The payer's own signature: lets a client that lost its state see that it signed this much.
          voucherSignature: channel.voucher?.signature ?? null,
          spent: channel.spent.toString(),
          settled: channel.settled.toString(),
          closeRequestedAt: channel.closeRequestedAt,
          finalized: channel.finalized,
        }
      }),
    })
  })
  return app
}

/** A wallet's balance in every token that is configured. */
export async function balanceOf(wallet: Address, { config, ledger }: Pick<Deps, 'config' | 'ledger'>) {
  const balances = await Promise.all(
    [...config.tokens.values()].map(async (token) => {
      const { posted, available } = await ledger.balance(Account.wallet(wallet), Token.asset(token))
      return {
        symbol: token.symbol,
        asset: Token.asset(token),
        token: token.address,
        decimals: token.decimals,
        posted: posted.toString(),
        available: available.toString(),
      }
    }),
  )
  return { wallet, balances }
}
