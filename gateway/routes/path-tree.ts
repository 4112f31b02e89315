import type { Segment } from './RoutePattern.ts'

/** Values by path pattern. A word beats a parameter, a parameter beats a wildcard, at the first segment they differ. */
export class PathTree<V> {
  readonly #root: Node<V> = createNode()

  /** Adds a value. Returns the one that already stands at an equal pattern, whatever its parameters are called. */
  add(segments: readonly Segment[], value: V): V | undefined {
    let node = this.#root
    const names: string[] = []
    for (const segment of segments) {
      if (segment.kind === 'wildcard') {
        node.wildcard ??= { values: [], names }
        return push(node.wildcard, value)
      }
      if (segment.kind === 'param') {
        names.push(segment.name)
        node.param ??= createNode()
        node = node.param
        continue
      }
      let next = node.words.get(segment.text)
      if (next === undefined) {
        next = createNode()
        node.words.set(segment.text, next)
      }
      node = next
    }
    node.leaf ??= { values: [], names }
    return push(node.leaf, value)
  }

  /** The most exact pattern that matches. Each node is visited once at most. */
  find(path: string): PathTree.Found<V> | undefined {
    const segments = path.slice(1).split('/')
    const taken: string[] = []
    const leaf = descend(this.#root, segments, 0, taken)
    const value = leaf?.values[0]
    if (leaf === undefined || value === undefined) return undefined
    const params: Record<string, string> = Object.create(null)
    leaf.names.forEach((name, index) => {
      params[name] = taken[index] ?? ''
    })
    return { value, values: leaf.values, params }
  }
}

export declare namespace PathTree {
  /** `values` has more than one entry only when patterns were folded together before they were added. */
  type Found<V> = { value: V; values: readonly V[]; params: Readonly<Record<string, string>> }
}

type Leaf<V> = { values: V[]; names: readonly string[] }
type Node<V> = {
  words: Map<string, Node<V>>
  param: Node<V> | undefined
  leaf: Leaf<V> | undefined
  wildcard: Leaf<V> | undefined
}

function createNode<V>(): Node<V> {
  return { words: new Map(), param: undefined, leaf: undefined, wildcard: undefined }
}

function push<V>(leaf: Leaf<V>, value: V): V | undefined {
  const first = leaf.values[0]
  leaf.values.push(value)
  return first
}

function descend<V>(
  node: Node<V>,
  segments: readonly string[],
  at: number,
  taken: string[],
): Leaf<V> | undefined {
  const segment = segments[at]
  if (segment === undefined) return node.leaf
  const word = node.words.get(segment)
  const byWord = word === undefined ? undefined : descend(word, segments, at + 1, taken)
  if (byWord !== undefined) return byWord
  if (node.param !== undefined && segment !== '') {
    taken.push(segment)
    const byParam = descend(node.param, segments, at + 1, taken)
    if (byParam !== undefined) return byParam
    taken.pop()
  }
  return node.wildcard
}
