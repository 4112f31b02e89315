import { flushCompileCache } from 'node:module'
import { loadConfig } from '../../gateway/config/load-config.ts'
import { createGateway } from '../../gateway/gateway.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import type { Message, Stop } from './Stop.ts'

/**
 * A process like `gateway/main.ts`: the same code on the same files. Only its books stand still where they are told to, so
 * that whoever started it can kill it there. Run: `node stopping-gateway.ts CONFIG [REPLACE-AFTER-SECONDS [BUSY-TIMEOUT-MS [SYNC]]]`.
 */

let stops: Stop[] = []
/** Whose payment, withdrawal or transaction an id is. */
const owners = new Map<string, { wallet?: string; kind?: string }>()
const tell = (message: Message) => process.send?.(message)

/** Everything that an operation was told about, as far as it is text. */
function textIn(given: unknown): string[] {
  if (typeof given === 'string') return [given]
  if (typeof given !== 'object' || given === null || ArrayBuffer.isView(given)) return []
  return Object.values(given).flatMap(textIn)
}

function learn(operation: string, given: unknown[], result: unknown): void {
  const [asked] = given as [{ wallet?: string; kind?: string; subjects?: string[]; id?: string }]
  if (operation === 'claim' || operation === 'withdrawals.request') {
    const made = result as { payment?: { id: string }; withdrawal?: { id: string } }
    const id = made.payment?.id ?? made.withdrawal?.id
    if (id !== undefined && asked.wallet !== undefined) owners.set(id, { wallet: asked.wallet.toLowerCase() })
  }
  if (operation === 'intend' && asked.id !== undefined) {
    const wallet = asked.subjects?.map((subject) => owners.get(subject)?.wallet).find((one) => one != null)
    owners.set(asked.id, {
      ...(wallet === undefined ? {} : { wallet }),
      ...(asked.kind === undefined ? {} : { kind: asked.kind }),
    })
  }
}

function isAbout({ wallet, kind }: Stop, texts: readonly string[], given: unknown[]): boolean {
  const about = texts.map((text) => owners.get(text)).filter((owner) => owner !== undefined)
  const [asked] = given as [{ kind?: string }]
  if (kind !== undefined && asked?.kind !== kind && !about.some((owner) => owner.kind === kind)) return false
  if (kind !== undefined) return true
  return (
    wallet === undefined ||
    texts.some((text) => text.toLowerCase() === wallet.toLowerCase()) ||
    about.some((owner) => owner.wallet === wallet.toLowerCase())
  )
}

/** Never returns when it is to stand still here. */
async function pass(when: Stop['when'], operation: string, given: unknown[]): Promise<void> {
  const texts = textIn(given)
  const stop = stops.find(
    (one) => one.when === when && one.operation === operation && isAbout(one, texts, given),
  )
  if (stop === undefined) return
  stops = stops.filter((one) => one !== stop)
  tell({ reached: stop.name })
  await new Promise(() => {})
}

type Operation = (...given: unknown[]) => unknown

function behind<Part extends object>(part: Part, prefix = ''): Part {
  const wrapped = Object.entries(part).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'object' && value !== null) return [name, behind(value, `${prefix}${name}.`)]
    if (typeof value !== 'function' || name === 'close') return [name, value]
    const operation = prefix + name
    const guarded: Operation = async (...given) => {
      await pass('before', operation, given)
      const result = await (value as Operation)(...given)
      learn(operation, given, result)
      await pass('after', operation, given)
      return result
    }
    return [name, guarded]
  })
  return Object.fromEntries(wrapped)
}

process.on('message', (message: Message) => {
  if (!('stops' in message)) return
  stops = message.stops
  tell({ ready: true })
})

const read = await loadConfig(process.argv[2])
const replaceAfterSeconds = Number(process.argv[3] || read.chain.fees.replaceAfterSeconds)
const config = { ...read, chain: { ...read.chain, fees: { ...read.chain.fees, replaceAfterSeconds } } }
const books: Ledger = await openSqliteLedger({
  path: config.database,
  sync: process.argv[5] === 'small-at-once' ? 'small-at-once' : 'beside',
  busyTimeout: Number(process.argv[4] || 5_000),
})
const gateway = await createGateway({ config, world: { ledger: behind(books) } })
await gateway.start()
process.on('SIGTERM', () => void gateway.stop().finally(() => process.exit(0)))
flushCompileCache()
console.log(JSON.stringify({ msg: 'listening' }))
