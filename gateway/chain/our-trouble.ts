/** Refusals that say something about us, our gas or our node, and nothing about those whom the order is for. */
const ours =
  /^(insufficient-gas-funds|fee-too-low|gas-limit|invalid-transaction|nonce-|no-node|node-|under-way|not-asked-to-close)/

/** True for a reason of {@link Chain.Outcome} that is ours to mend: nobody else is to be held to account for it. Pure. */
export const isOurTrouble = (reason: string): boolean => ours.test(reason)
