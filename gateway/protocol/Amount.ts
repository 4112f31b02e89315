/**
 * Amounts are `bigint` base units everywhere; decimal text exists only at the edge: configuration, pages, messages.
 */

/** Largest amount the escrow and the vouchers can express (uint128). */
export const max = 2n ** 128n - 1n

/**
 * Reads decimal text in a token's unit as base units: `parse('0.001', 6)` is `1000n`.
 * @throws {InvalidAmountError} not plain decimal digits, more decimals than the token has, or above uint128.
 */
export function parse(text: string, decimals: number): bigint {
  const match = /^(0|[1-9]\d{0,38})(?:\.(\d{1,38}))?$/.exec(text)
  if (match === null)
    throw new InvalidAmountError(`Amount ${quote(text)} is not a decimal number. Write it like "0.01".`)
  const fraction = match[2] ?? ''
  if (fraction.length > decimals)
    throw new InvalidAmountError(
      `Amount ${quote(text)} has ${fraction.length} decimals; the token has ${decimals}.`,
    )
  return bounded(BigInt((match[1] ?? '') + fraction.padEnd(decimals, '0')), text)
}

/** Writes base units as the shortest decimal text in the token's unit: `format(1000n, 6)` is `0.001`. */
export function format(units: bigint, decimals: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${units < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/**
 * Reads a base-unit integer as it stands on the wire: decimal digits, no sign, no leading zero, at most uint128.
 * @throws {InvalidAmountError}
 */
export function fromWire(text: string): bigint {
  if (!/^(0|[1-9]\d{0,38})$/.test(text))
    throw new InvalidAmountError(
      `Amount ${quote(text)} is not a base-unit integer. Write decimal digits only.`,
    )
  return bounded(BigInt(text), text)
}

function bounded(units: bigint, text: string): bigint {
  if (units > max)
    throw new InvalidAmountError(`Amount ${quote(text)} is above 2^128 − 1, the most a voucher can say.`)
  return units
}

const quote = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** An amount that cannot be read. The message says the value, the rule and the fix. */
export class InvalidAmountError extends Error {
  override readonly name = 'InvalidAmountError'
}
