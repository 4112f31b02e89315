import Table from 'cli-table3'
import type { Withdrawal } from '../../gateway/ledger/Withdrawal.ts'
import type { Token } from '../../gateway/routes/Token.ts'
import { amountOf } from './amount-of.ts'
import { DecisionError } from './DecisionError.ts'
import { resolveByHand } from './resolve-by-hand.ts'

/** What an operator asks for, on the command line. */
export type Command =
  | { do: 'list'; all: boolean }
  | { do: 'held' }
  | { do: 'approve'; id: string }
  | { do: 'reject'; id: string; reason: string }
  | { do: 'resolve'; id: string; paid: string | null; note: string | null }

/** Reads the words of a command line. @throws {UsageError} */
export function readCommand(words: readonly string[], options: readCommand.Options): Command {
  const [name, id, ...more] = words
  if (name === 'list' && id === undefined) return { do: 'list', all: options.all }
  if (name === 'held' && id === undefined) return { do: 'held' }
  const one = id !== undefined && more.length === 0 && /^wd_[A-Za-z0-9_-]{22}$/.test(id) ? id : null
  if (name === 'approve' && one !== null) return { do: 'approve', id: one }
  if (name === 'reject' && one !== null) return { do: 'reject', id: one, reason: options.reason }
  if (name === 'resolve' && one !== null)
    return { do: 'resolve', id: one, paid: options.paid ?? null, note: options.note ?? null }
  throw new UsageError(words.join(' '))
}

export declare namespace readCommand {
  type Options = { all: boolean; reason: string; paid?: string | undefined; note?: string | undefined }
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
  if (command.do === 'held') {
    const held = (await withdrawals.open(1_000)).filter(isHeld)
    return held.length === 0 ? 'Nothing waits for an operator.\n' : `${table(held, tokens)}\n`
  }
  if (command.do === 'resolve') return resolveByHand(command, context)
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
  type Context = resolveByHand.Context & { now: number }
}

/** True for one that no gateway moves on: above what is paid without a person, or paid out otherwise than asked for. */
const isHeld = ({ state, reason }: Withdrawal) =>
  state === 'held-for-operator' || (state === 'unknown' && reason === 'moved-otherwise')

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

/** Words that are no command. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  constructor(words: string) {
    super(
      `"${words}" is no command. Fix: ./run withdrawals list [--all] | held | approve ID | reject ID [--reason TEXT] | resolve ID --paid AMOUNT --note TEXT`,
    )
  }
}
