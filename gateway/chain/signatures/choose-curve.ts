import type { Curve } from './Curve.ts'
import { native } from './native.ts'
import { pure } from './pure.ts'

/** The fastest curve that works here: libsecp256k1 where it loads, else JavaScript. */
export function chooseCurve(load: () => Curve = native): Curve {
  try {
    return load()
  } catch (error) {
    const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    return pure(`libsecp256k1 cannot be loaded: ${why}`)
  }
}
