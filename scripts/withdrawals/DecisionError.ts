/** The decision cannot be carried out; nothing was changed. */
export class DecisionError extends Error {
  override readonly name = 'DecisionError'
}
