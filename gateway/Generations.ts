/**
 * The values of the names that were used last: two generations, of which the older one is dropped when the younger has `size`
 * names. So at most twice `size` are held, and at least the `size` that were used last.
 *
 * The names are those of plain dictionaries. A `Map` from which names are taken as often as they are put in makes a new table again and
 * again, and each old one points to the next: once the collector has moved one to where it looks seldom, it keeps all that
 * come after, with what they held.
 */
export class Generations<Value> {
  readonly #size: number
  #young: Dictionary<Value> = Object.create(null)
  #old: Dictionary<Value> = Object.create(null)
  /** Names in the younger one, and whether the older one has any: where there are none, none is looked for. */
  #count = 0
  #hasOld = false

  constructor(size: number) {
    this.#size = size
  }

  /** What was set under a name. That it was asked for is a use. */
  get(name: string): Value | undefined {
    const value = this.#count === 0 ? undefined : this.#young[name]
    if (value !== undefined || !this.#hasOld) return value
    const aged = this.#old[name]
    if (aged !== undefined) this.set(name, aged)
    return aged
  }

  set(name: string, value: Value): void {
    if (this.#young[name] === undefined) {
      if (this.#count >= this.#size) {
        this.#old = this.#young
        this.#hasOld = true
        this.#young = Object.create(null)
        this.#count = 0
      }
      this.#count += 1
    }
    this.#young[name] = value
  }

  delete(name: string): void {
    if (this.#count > 0 && this.#young[name] !== undefined) {
      delete this.#young[name]
      this.#count -= 1
    }
    if (this.#hasOld) delete this.#old[name]
  }

  clear(): void {
    this.#young = Object.create(null)
    this.#old = Object.create(null)
    this.#count = 0
    this.#hasOld = false
  }
}

/** Without a prototype: `__proto__` and `constructor` are names like any other. */
type Dictionary<Value> = Record<string, Value | undefined>
