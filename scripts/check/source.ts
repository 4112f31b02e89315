/**
 * The code of a file without what only looks like code. Every character keeps its place, so that a position in the
 * result is a position in the file.
 */
export function blank(text: string): blank.Result {
  const code = text.split('')
  const words = text.split('')
  let at = 0
  let last = ''
  /** Depth of braces at which each open template literal goes on. */
  const templates: number[] = []
  let depth = 0

  const hide = (end: number, inCode: boolean): void => {
    for (; at < end && at < text.length; at += 1) {
      if (text[at] === '\n') continue
      words[at] = ' '
      if (inCode) code[at] = ' '
    }
  }
  const template = (): void => {
    let end = at
    while (end < text.length) {
      if (text[end] === '\\') end += 2
      else if (text[end] === '`') {
        hide(end, true)
        at += 1
        return
      } else if (text.startsWith('${', end)) {
        hide(end, true)
        at += 2
        templates.push(depth)
        return
      } else end += 1
    }
    hide(end, true)
  }

  while (at < text.length) {
    const character = text[at] ?? ''
    if (text.startsWith('//', at)) hide(endOf(text, '\n', at), true)
    else if (text.startsWith('/*', at)) hide(endOf(text, '*/', at + 2) + 2, true)
    else if (character === '"' || character === "'") {
      const end = endOfString(text, at)
      at += 1
      hide(end, false)
      at += 1
      last = character
    } else if (character === '`') {
      at += 1
      template()
      last = '`'
    } else if (character === '/' && startsPattern(last, text, at)) {
      hide(endOfPattern(text, at), true)
      last = '/'
    } else {
      if (character === '{') depth += 1
      if (character === '}' && templates.at(-1) === depth) {
        templates.pop()
        at += 1
        template()
        last = '`'
        continue
      }
      if (character === '}') depth -= 1
      if (character.trim() !== '') last = character
      at += 1
    }
  }
  return { code: code.join(''), words: words.join('') }
}

export declare namespace blank {
  type Result = {
    /** Without comments, templates and regular expressions; strings stand. */
    code: string
    /** Without strings too: names, keywords and punctuation. */
    words: string
  }
}

/** The line of a position, counted from one. */
export function lineAt(text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line += 1
  return line
}

/** A slash after a value divides; anywhere else it begins a regular expression. */
function startsPattern(last: string, text: string, at: number): boolean {
  if (last === '' || /[(,=:[!&|?{};+\-*%~^<>]/.test(last)) return true
  return /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|await|yield)\s*$/.test(
    text.slice(Math.max(0, at - 20), at),
  )
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from)
  return end === -1 ? text.length : end
}

function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== text[from] && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return at
}

function endOfPattern(text: string, from: number): number {
  let inClass = false
  let at = from + 1
  for (; at < text.length && text[at] !== '\n'; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '[') inClass = true
    else if (text[at] === ']') inClass = false
    else if (text[at] === '/' && !inClass) return at + 1
  }
  return at
}
