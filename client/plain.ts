/**
 * Text of a stranger, made safe to show: control and formatting characters become spaces, and length is bounded. The
 * text stays data; whoever shows it says whose it is.
 */
export function plain(text: unknown, max = 200): string {
  if (typeof text !== 'string') return ''
  const clean = text
    .slice(0, max * 4)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
  return clean.length > max ? `${clean.slice(0, max)}…` : clean
}
