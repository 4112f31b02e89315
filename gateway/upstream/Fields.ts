/**
 * Header fields as names and values in turn: what Node's parser gives and what its writer takes, so that a call crosses
 * the gateway without a `Headers` object. Names of fields that we make are in lower case.
 */
export type Fields = string[]

/** Value of a field by its lower-case name, repeated ones joined as `Headers` joins them; null when there is none. */
export function get(fields: readonly string[], name: string): string | null {
  let value: string | null = null
  for (let index = 0; index < fields.length; index += 2) {
    if (!isNamed(fields[index] ?? '', name)) continue
    const more = fields[index + 1] ?? ''
    value = value === null ? more : value + (name === 'cookie' ? '; ' : ', ') + more
  }
  return value
}

/** Where a field stands, by its lower-case name; -1 when it does not. */
export function indexOf(fields: readonly string[], name: string): number {
  for (let index = 0; index < fields.length; index += 2) if (isNamed(fields[index] ?? '', name)) return index
  return -1
}

/** Sets a field, in place of every other one of that name. `name` is in lower case. */
export function set(fields: Fields, name: string, value: string): void {
  let found = false
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    if (!isNamed(fields[index] ?? '', name)) continue
    if (found) fields.splice(index, 2)
    else fields[index + 1] = value
    found = true
  }
  if (!found) fields.push(name, value)
}

/** The fields of a `Headers` object: names in lower case, cookies one by one. */
export function from(headers: Iterable<[string, string]>): Fields {
  const fields: Fields = []
  for (const [name, value] of headers) fields.push(name, value)
  return fields
}

/** As a `Headers` object. */
export function toHeaders(fields: readonly string[]): Headers {
  const headers = new Headers()
  for (let index = 0; index < fields.length; index += 2)
    headers.append(fields[index] ?? '', fields[index + 1] ?? '')
  return headers
}

/** Compares without a copy where it can: few names are as long as the one that is looked for. */
const isNamed = (given: string, name: string) =>
  given.length === name.length && (given === name || given.toLowerCase() === name)
