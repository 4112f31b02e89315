import { GatewayError } from '../errors.ts'

/** The longest request target that is read, path and query together. */
export const maxTargetLength = 8192

/**
 * The one form in which a request target is matched and forwarded. Whatever two servers could read differently is
 * refused rather than repaired: the path that was priced must be the path the upstream serves.
 *
 * `rawTarget` is the target as it stood on the request line. A `URL` has already resolved dots and turned backslashes.
 */
export function canonicalPath(rawTarget: string): canonicalPath.Result {
  if (rawTarget.length > maxTargetLength) throw refused('too-long')
  if (!rawTarget.startsWith('/')) throw refused('not-origin-form')
  const mark = rawTarget.indexOf('?')
  const path = mark === -1 ? rawTarget : rawTarget.slice(0, mark)
  const query = mark === -1 ? '' : rawTarget.slice(mark)
  if (!queryCharacters.test(query)) throw refused('character')
  // Nearly every path is already canonical: letters, digits and `-_~` alone cannot spell any of the forms below.
  if (plainPath.test(path)) return { path, query }
  return { path: canonical(path), query }
}

export declare namespace canonicalPath {
  type Result = {
    path: string
    /** As received, with its `?`; empty when there is none. */
    query: string
  }
}

const plainPath = /^(?:\/[A-Za-z0-9_~-]+)+$/
const pathCharacters = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/
/** RFC 3986, and what browsers leave raw in a query. */
const queryCharacters = /^[!$-;=?-~]*$/
const unreserved = /^[A-Za-z0-9\-._~]$/
/** `.` and `..`, also with the path parameters some servers cut off before they resolve dots. */
const dotSegment = /^\.{1,2}(?:$|;|%3B)/

function canonical(path: string): string {
  if (!pathCharacters.test(path)) throw refused('character')
  if (path.includes('//')) throw refused('empty-segment')
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) throw refused('percent-encoding')
  if (/%(?:[01][0-9A-F]|7F|2F|5C)/i.test(path)) throw refused('encoded-delimiter')
  if (!isUtf8(path)) throw refused('percent-encoding')
  const decoded = path.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return unreserved.test(character) ? character : triplet.toUpperCase()
  })
  if (decoded.split('/').some((segment) => dotSegment.test(segment))) throw refused('dot-segment')
  return decoded
}

/** Overlong forms such as `%C0%AF` are another spelling of `/` to a careless decoder. */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

const rules = {
  'too-long': `The request target is longer than ${maxTargetLength} characters.`,
  'not-origin-form': 'The request target does not start with "/".',
  character: 'The request target contains a character that must be percent-encoded, or a fragment.',
  'empty-segment': 'The path contains "//".',
  'percent-encoding': 'The path contains a percent sign that does not begin an encoded UTF-8 character.',
  'encoded-delimiter': 'The path contains an encoded slash, backslash or control character.',
  'dot-segment': 'The path contains a "." or ".." segment.',
} as const

function refused(rule: keyof typeof rules): PathNotCanonicalError {
  return new PathNotCanonicalError(rule)
}

/** The request target could be read in more than one way, so no price can be put on it. */
export class PathNotCanonicalError extends GatewayError {
  constructor(rule: keyof typeof rules) {
    super({
      message: `${rules[rule]} Ask again with the path in its plain form.`,
      status: 400,
      code: 'path-not-canonical',
      details: { rule },
    })
  }
}
