/** What every server under test answers, with or without an upstream behind it. */
export const answer = JSON.stringify({ ok: true, data: 'x'.repeat(64) })
