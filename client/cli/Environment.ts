import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import * as Amount from '../../gateway/protocol/Amount.ts'
import { createKeyAccount } from '../account/create-native-key-account.ts'
import { createPayingFetch } from '../create-paying-fetch.ts'
import type { PayingFetch } from '../PayingFetch.ts'
import type { Rail } from '../policy/choose-offer.ts'
import { createFileStore } from '../store/file.ts'
import { UsageError } from './exit-code.ts'

/** What the process was given besides its command: the only reader of `process.env` in the client. */

/** Options that every command takes. Amounts as decimal text. */
export type SharedOptions = {
  privateKeyFile?: string
  maxPrice?: string
  maxPerDay?: string
  maxDeposit?: string
  decimals?: string
  rail?: string[]
  allowInsecure?: boolean
  json?: boolean
}

/** Limits when nothing else is said, in the token's unit. */
export const defaults = { maxPrice: '0.10', maxPerDay: '5', maxDeposit: '5', decimals: '6' }

/** Decimals in which amounts are written. Never taken from a server: a server's word would move every limit. */
export function decimalsOf(options: SharedOptions): number {
  const text = options.decimals ?? process.env.FARTHING_DECIMALS ?? defaults.decimals
  if (!/^([0-9]|[12][0-9]|3[0-6])$/.test(text)) throw new UsageError(`Decimals ${text} are not 0 to 36.`)
  return Number(text)
}

/** Decimal text as base units. @throws {UsageError} */
export function baseUnits(text: string, decimals: number): bigint {
  try {
    return Amount.parse(text, decimals)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'The amount cannot be read.')
  }
}

/** The paying fetch that a command uses. @throws {UsageError} no key, or an unreadable limit. */
export function payingFetchOf(
  options: SharedOptions,
  more: Partial<createPayingFetch.Options> = {},
): PayingFetch {
  const decimals = decimalsOf(options)
  const amount = (text: string | undefined, name: string, fallback: string) =>
    baseUnits(text ?? process.env[name] ?? fallback, decimals)
  const rails = options.rail?.map(railOf)
  return createPayingFetch({
    account: createKeyAccount(privateKey(options)),
    limits: {
      perCall: amount(options.maxPrice, 'FARTHING_MAX_PRICE', defaults.maxPrice),
      perDay: amount(options.maxPerDay, 'FARTHING_MAX_PER_DAY', defaults.maxPerDay),
      deposit: amount(options.maxDeposit, 'FARTHING_MAX_DEPOSIT', defaults.maxDeposit),
    },
    store: createFileStore(process.env.FARTHING_HOME ?? join(homedir(), '.farthing')),
    allowInsecure: options.allowInsecure,
    rpcUrl: process.env.FARTHING_RPC_URL,
    ...(rails === undefined || rails.length === 0 ? {} : { rails }),
    ...more,
  })
}

/** The key, from a file or the environment. Never from the command line, which every process can read. */
function privateKey(options: SharedOptions): Hex {
  const file = options.privateKeyFile
  const text = file === undefined ? process.env.FARTHING_PRIVATE_KEY : readKeyFile(file)
  const key = text?.trim() ?? ''
  if (key === '')
    throw new UsageError(
      'There is no key to pay with. Fix: set FARTHING_PRIVATE_KEY, or give --private-key-file.',
    )
  if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw new UsageError('The private key is not 32 bytes of 0x hex.')
  return key as Hex
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new UsageError(`The private key file ${path} cannot be read.`)
  }
}

function railOf(text: string): Rail {
  if (text === 'channel' || text === 'charge' || text === 'balance') return text
  throw new UsageError(`Rail ${text} is none of channel, charge, balance.`)
}
