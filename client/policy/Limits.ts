/**
 * How much may be signed away, in base units of whatever token is paid. The same numbers hold for each token: pin the
 * tokens when you hold some with few decimals.
 */
export type Limits = {
  /** Most that one call may cost. */
  perCall: bigint
  /** Most in one day (UTC), over all hosts. Counts what was signed, delivered or not. */
  perDay: bigint
  /** Most in one day for one host. Default: `perDay`. */
  perHost?: bigint | undefined
  /** Most that may lie unspent in one channel. Default: `perDay`. */
  deposit?: bigint | undefined
  /** Most that may be signed on one channel for calls to come (option `voucherCalls`). Default: `perCall`. */
  ahead?: bigint | undefined
}
