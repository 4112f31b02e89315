/** What SQLite may be given. Amounts are strings. */
export type Value = string | number | null | Uint8Array

/** One statement: its text, the values it takes and the rows it gives. Prepared once for each connection. */
export type Query<Values extends Value[] = Value[], Row = unknown> = {
  readonly text: string
  readonly types?: { values: Values; row: Row }
}

/** Declares a statement. The text is static, so that a test can ask for the plan of every one. */
export function sql<Values extends Value[] = [], Row = never>(
  text: TemplateStringsArray,
): Query<Values, Row> {
  return { text: text.join('') }
}
