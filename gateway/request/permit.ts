import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import { decide, type Gate } from '../policy/Gate.ts'
import type { Identified } from './identify.ts'

/** A request that policy lets through, with the price that policy sets, if it sets one. */
export type Permitted = Identified & {
  /** Base units; null leaves the route's own price. */
  gatePrice: bigint | null
}

/** Asks policy. @throws {GatewayError} 401 no wallet known, 403 the wallet does not hold what the gate asks. */
export async function permit(identified: Identified, deps: Deps): Promise<Permitted> {
  const { gate } = identified.route
  if (gate === null) return { ...identified, gatePrice: null }
  const wallet = identified.signedIn ?? identified.claimedPayer
  const caller =
    wallet === null
      ? null
      : {
          proven: identified.signedIn !== null,
          holding: await deps.chain.holding(
            { standard: gate.standard, token: gate.token, ...(gate.id === null ? {} : { id: gate.id }) },
            wallet,
          ),
        }
  const decision = decide(gate, caller)
  if (decision.kind === 'sign-in') throw new SignInNeededError(deps.config.publicUrl, gate)
  if (decision.kind === 'hold') throw new HoldingNeededError(gate)
  return { ...identified, gatePrice: decision.price }
}

const describe = (gate: Gate) => ({
  standard: gate.standard,
  token: gate.token,
  ...(gate.id === null ? {} : { id: gate.id.toString() }),
  minimum: gate.minimum.toString(),
})

/** The route is for holders, and no wallet is known. */
export class SignInNeededError extends GatewayError {
  constructor(publicUrl: URL, gate: Gate) {
    super({
      status: 401,
      code: 'sign-in-needed',
      message: 'This call is for holders of a token. Sign in with the wallet that holds it.',
      details: { signIn: new URL('/farthing/sign-in', publicUrl).href, hold: describe(gate) },
    })
  }
}

/** The wallet does not hold what the gate asks. */
export class HoldingNeededError extends GatewayError {
  constructor(gate: Gate) {
    super({
      status: 403,
      code: 'holding-needed',
      message: `This call is for wallets that hold at least ${gate.minimum} of token ${gate.token}.`,
      details: { hold: describe(gate) },
    })
  }
}
