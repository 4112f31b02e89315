import { type Abi, BaseError, decodeErrorResult, type Hex, parseAbi, toFunctionSelector } from 'viem'
import { escrowAbi } from '../protocol/abi.ts'

/**
 * Why a call was reverted, as a stable kebab-case code: the escrow's error names (`amount-exceeds-deposit`), the tokens'
 * usual refusals (`authorization-used`, `insufficient-balance`), else `execution-reverted`. Null when the error is not a
 * revert at all, so that nothing is known. Never a raw selector and never a text of the contract.
 */
export function decodeRevert(error: unknown): string | null {
  const data = revertData(error)
  if (data !== null) return codeOfData(data) ?? codeOfText(texts(error)) ?? 'execution-reverted'
  const text = texts(error)
  return /revert|always failing transaction|invalid opcode|VM Exception/i.test(text)
    ? (codeOfText(text) ?? 'execution-reverted')
    : null
}

/** Code for the selector that `SettlementSkipped` carries. */
export function codeOfSelector(selector: Hex): string {
  for (const item of known) {
    if (item.type === 'error' && toFunctionSelector(`${item.name}(${types(item.inputs)})`) === selector)
      return kebab(item.name)
  }
  return 'execution-reverted'
}

const tokenErrors = parseAbi([
  'error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)',
  'error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)',
  'error ERC20InvalidReceiver(address receiver)',
  'error SafeERC20FailedOperation(address token)',
  'error EnforcedPause()',
])
const known: Abi = [...escrowAbi, ...tokenErrors]

const renamed: Record<string, string> = {
  ERC20InsufficientBalance: 'insufficient-balance',
  ERC20InsufficientAllowance: 'insufficient-allowance',
  ERC20InvalidReceiver: 'invalid-receiver',
  SafeERC20FailedOperation: 'token-failed',
  EnforcedPause: 'token-paused',
  Panic: 'contract-panic',
}

/** Words of widespread tokens (FiatToken v2, older OpenZeppelin) in their `require` texts. */
const phrases: [RegExp, string][] = [
  [/authorization is (used|not|canceled).*?(used|canceled)|authorization is used/i, 'authorization-used'],
  [/authorization is expired/i, 'authorization-expired'],
  [/authorization is not yet valid/i, 'authorization-not-yet-valid'],
  [/invalid signature/i, 'invalid-signature'],
  [/caller must be the payee/i, 'not-payee'],
  [/exceeds balance|insufficient balance/i, 'insufficient-balance'],
  [/exceeds allowance|insufficient allowance/i, 'insufficient-allowance'],
  [/blacklist|blocklist/i, 'account-blocked'],
  [/paused/i, 'token-paused'],
]

function codeOfData(data: Hex): string | null {
  try {
    const { errorName, args } = decodeErrorResult({ abi: known, data })
    if (errorName === 'Error') return codeOfText(String(args?.[0] ?? ''))
    return kebab(errorName)
  } catch {
    return null
  }
}

function codeOfText(text: string): string | null {
  return phrases.find(([phrase]) => phrase.test(text))?.[1] ?? null
}

const kebab = (name: string) => renamed[name] ?? name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()

const types = (inputs: readonly { type: string }[]) => inputs.map(({ type }) => type).join(',')

function texts(error: unknown): string {
  if (!(error instanceof BaseError)) return error instanceof Error ? error.message : ''
  const parts: string[] = []
  error.walk((cause) => {
    if (cause instanceof BaseError) parts.push(cause.details)
    else if (cause instanceof Error) parts.push(cause.message)
    return false
  })
  return parts.join('\n')
}

/** Return data of the reverted call, wherever the node put it. */
function revertData(error: unknown): Hex | null {
  if (!(error instanceof BaseError)) return null
  let found: Hex | null = null
  error.walk((cause) => {
    const { data } = cause as { data?: unknown }
    const value = typeof data === 'object' && data !== null ? (data as { data?: unknown }).data : data
    if (typeof value !== 'string' || !/^0x([0-9a-f]{2}){4,}$/i.test(value)) return false
    found = value as Hex
    return true
  })
  return found
}
