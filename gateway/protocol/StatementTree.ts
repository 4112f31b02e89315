import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToBase64Url } from './Encoding.ts'

/**
 * One signature for many statements, each of which is checked alone: a hash tree (RFC 9162, section 2.1, on text). What is
 * signed is the root; each statement carries its path there, a step for each level: `L` or `R`, the side on which the other
 * hash stands, then that hash. A hash is SHA-256 in base64url; what is hashed begins with 0 for a statement, with 1 for two
 * hashes and with 2 where the root is signed, so that none of them passes for another.
 */
export type Tree = {
  /** The text to sign. */
  root: string
  /** Of each statement, in their order: 44 characters a step. */
  paths: string[]
}

/** SHA-256 of a text, base64url without padding. */
export type Hash = (text: string) => string

/** Grows a tree over at least one statement. `hash` may be a faster one. */
export function grow(statements: readonly string[], hash: Hash = pureHash): Tree {
  const paths = statements.map(() => '')
  const lengthen = ({ from, to }: Node, step: string) => {
    for (let index = from; index < to; index++) paths[index] += step
  }
  let level = statements.map((statement, index) => ({
    hash: leafOf(statement, hash),
    from: index,
    to: index + 1,
  }))
  while (level.length > 1) {
    const above: Node[] = []
    for (let index = 0; index < level.length; index += 2) {
      const [left, right] = [level[index], level[index + 1]]
      if (left === undefined) continue
      // One without a neighbour moves up as it is.
      if (right === undefined) {
        above.push(left)
        continue
      }
      lengthen(left, `R${right.hash}`)
      lengthen(right, `L${left.hash}`)
      above.push({ hash: nodeOf(left.hash, right.hash, hash), from: left.from, to: right.to })
    }
    level = above
  }
  return { root: rootText(level[0]?.hash ?? ''), paths }
}

/** The text whose signature vouches for a statement with this path; null when it is no path. */
export function rootOf(statement: string, path: string, hash: Hash = pureHash): string | null {
  if (!isPath.test(path)) return null
  let at = leafOf(statement, hash)
  for (let index = 0; index < path.length; index += 44) {
    const other = path.slice(index + 1, index + 44)
    at = path[index] === 'L' ? nodeOf(other, at, hash) : nodeOf(at, other, hash)
  }
  return rootText(at)
}

/** A tree of more than a million statements is nobody's. */
const isPath = /^(?:[LR][A-Za-z0-9_-]{43}){0,20}$/

const leafOf = (statement: string, hash: Hash) => hash(`\x00${statement}`)
const nodeOf = (left: string, right: string, hash: Hash) => hash(`\x01${left}${right}`)
const rootText = (hash: string) => `\x02${hash}`

function pureHash(text: string): string {
  return bytesToBase64Url(sha256(new TextEncoder().encode(text)))
}

/** A hash, and which statements stand below it. */
type Node = { hash: string; from: number; to: number }
