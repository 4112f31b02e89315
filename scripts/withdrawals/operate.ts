import Table from 'cli-table3'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Withdrawal } from '../../gateway/ledger/Withdrawal.ts'
import * as Amount from '../../gateway/protocol/Amount.ts'
import type { Token } from '../../gateway/routes/Token.ts'

/** What an operator asks for, on the command line. */
export type Command =
  | { do: 'list'; all: boolean }
  | { do: 'approve'; id: string }
  | { do: 'reject'; id: string; reason: string }

/** Reads the words of a command line. @throws {UsageError} */
export function readCommand(words: readonly string[], options: { all: boolean; reason: string }): Command {
  const [name, id, ...more] = words
  if (name === 'list' && id === undefined) return { do: 'list', all: options.all }
  const one = id !== undefined && more.length === 0 && /^wd_[A-Za-z0-9_-]{22}$/.test(id) ? id : null
  if (name === 'approve' && one !== null) return { do: 'approve', id: one }
  if (name === 'reject' && one !== null) return { do: 'reject', id: one, reason: options.reason }
  throw new UsageError(words.join(' '))
}

/**
 * Does it in the books. A running gateway sees it at its next look and pays by itself; nothing is sent from here.
 * @throws {DecisionError} there is no such withdrawal, or it is too late.
 */
export async function operate(command: Command, context: operate.Context): Promise<string> {
  const { withdrawals, tokens, now } = context
  if (command.do === 'list') {
    const all = command.all ? await withdrawals.list({ limit: 1_000 }) : await withdrawals.open(1_000)
    return all.length === 0 ? 'There is none.\n' : `${table(all, tokens)}\n`
  }
  const { id } = command
  const moved =
    command.do === 'approve'
      ? await withdrawals.approve(id, now)
      : await withdrawals.reject(id, command.reason)
  if (moved === null) throw new DecisionError(`There is no withdrawal ${id}. Fix: ./run withdrawals list`)
  const refused = command.do === 'approve' ? moved.state === 'failed' : moved.state !== 'failed'
  if (refused)
    throw new DecisionError(`Withdrawal ${id} is ${moved.state}: it is too late to ${command.do} it.`)
  return command.do === 'approve'
    ? `Withdrawal ${id} is ${moved.state}; the gateway pays it.\n`
    : `Withdrawal ${id} is failed; ${amountOf(moved, tokens)} is credit of ${moved.wallet} again.\n`
}

export declare namespace operate {
  type Context = { withdrawals: Ledger['withdrawals']; tokens: readonly Token[]; now: number }
}

function table(all: readonly Withdrawal[], tokens: readonly Token[]): string {
  const rows = new Table({
    head: ['Id', 'State', 'Amount', 'Wallet', 'To', 'Asked', 'Transaction or reason'],
    style: { head: [], border: [] },
  })
  for (const one of all)
    rows.push([
      one.id,
      one.state,
      amountOf(one, tokens),
      one.wallet,
      one.to === one.wallet ? 'itself' : one.to,
      new Date(one.createdAt).toISOString(),
      one.transaction ?? one.reason ?? '',
    ])
  return rows.toString()
}

function amountOf({ asset, amount }: Withdrawal, tokens: readonly Token[]): string {
  const token = tokens.find(({ address }) => asset.endsWith(`:${address}`))
  return token === undefined
    ? `${amount} of ${asset}`
    : `${Amount.format(amount, token.decimals)} ${token.symbol}`
}

/** The decision cannot be carried out; nothing was changed. */
export class DecisionError extends Error {
  override readonly name = 'DecisionError'
}

/** Words that are no command. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  constructor(words: string) {
    super(
      `"${words}" is no command. Fix: ./run withdrawals list [--all] | approve ID | reject ID [--reason TEXT]`,
    )
  }
}
