/** A deployment that cannot go on: what is wrong, and what the operator can do about it. */
export class DeployError extends Error {
  override name = 'DeployError'
  readonly fix: string

  constructor(problem: string, fix: string, options?: ErrorOptions) {
    super(`${problem} Fix: ${fix}.`, options)
    this.fix = fix
  }
}
