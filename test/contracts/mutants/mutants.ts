/** What the escrow is made of, below `contracts/`. */
export const sources = ['ChannelEscrow.sol', 'base/ChannelStore.sol', 'base/Signatures.sol'] as const

/** A change to the escrow that takes one rule away. Some test must notice each. */
export type Mutant = {
  name: string
  /** Text of one of the {@link sources}; its first occurrence in the first that has it is replaced. */
  from: string
  to: string
}

const guard = (name: string, signature: string): Mutant => ({
  name: `${name}: no reentrancy guard`,
  from: `function ${signature} nonReentrant`,
  to: `function ${signature} `,
})

export const mutants: readonly Mutant[] = [
  { name: 'open: payer may be zero', from: 'if (payer == address(0)) revert ZeroPayer();', to: '' },
  { name: 'open: payee may be zero', from: 'if (payee == address(0)) revert ZeroPayee();', to: '' },
  { name: 'open: deposit may be zero', from: 'if (deposit == 0) revert ZeroDeposit();', to: '' },
  {
    name: 'open: token may be without code',
    from: 'if (token.code.length == 0) revert TokenWithoutCode(token);',
    to: '',
  },
  {
    name: 'open: a channel may be opened twice',
    from: 'if (_exists(channelId)) revert ChannelAlreadyExists(channelId);',
    to: '',
  },
  {
    name: 'open: a finalized channel may be opened again',
    from: 'if (_exists(channelId)) revert',
    to: `(, State storage earlier) = _load(channelId);
        if (_exists(channelId) && !earlier.finalized) revert`,
  },
  {
    name: 'open: a deposit may be above what is stored',
    from: 'if (deposit > MAX_DEPOSIT) revert DepositOverflow(channelId, 0, deposit);',
    to: '',
  },
  {
    name: 'open: a delegate is not remembered',
    from: 'if (delegated) _delegates[channelId] = parties.authorizedSigner;',
    to: '',
  },
  {
    name: 'terms: the head of the token is lost',
    from: '(head << 64) | tail',
    to: 'tail',
  },
  {
    name: 'open: nonce is not bound',
    from: '_onlyNonce(nonce, computeOpenNonce(from, payee, token, salt, authorizedSigner));',
    to: '',
  },
  {
    name: 'open nonce: payee is left out',
    from: 'keccak256(abi.encode(from, payee, token, salt, authorizedSigner));',
    to: 'keccak256(abi.encode(from, token, salt, authorizedSigner));',
  },
  {
    name: 'channel id: the chain is left out',
    from: 'authorizedSigner, address(this), block.chainid)',
    to: 'authorizedSigner, address(this))',
  },
  { name: 'topUp: amount may be zero', from: 'if (additionalDeposit == 0) revert ZeroDeposit();', to: '' },
  {
    name: 'topUp: anybody may',
    from: '_onlyPayer(parties, channelId);\n        // Effect\n        _topUp',
    to: '// Effect\n        _topUp',
  },
  {
    name: 'topUp: nonce is not bound',
    from: '_onlyNonce(nonce, computeTopUpNonce(channelId, additionalDeposit, from, topUpSalt));',
    to: '',
  },
  {
    name: 'topUp: a third party takes a close request back',
    from: 'if (from == parties.payer && closeRequestedAt != 0)',
    to: 'if (closeRequestedAt != 0)',
  },
  { name: 'topUp: a close request stands', from: 'state.closeRequestedAt = 0;\n', to: '\n' },
  {
    name: 'topUp: a deposit may grow above what is stored',
    from: 'if (additionalDeposit > MAX_DEPOSIT - deposit) {',
    to: 'if (additionalDeposit > type(uint128).max - deposit) {',
  },
  {
    name: 'requestClose: anybody may',
    from: '_onlyPayer(parties, channelId);\n        if (state.closeRequestedAt',
    to: 'if (state.closeRequestedAt',
  },
  {
    name: 'requestClose: the clock starts over',
    from: 'if (state.closeRequestedAt != 0) return;',
    to: '',
  },
  {
    name: 'withdraw: anybody may',
    from: '_onlyPayer(parties, channelId);\n        uint256 requestedAt',
    to: 'uint256 requestedAt',
  },
  {
    name: 'withdraw: without a request',
    from: 'if (requestedAt == 0) revert CloseNotReady(channelId, block.timestamp, 0);',
    to: '',
  },
  {
    name: 'withdraw: a second early',
    from: 'if (block.timestamp < readyAt)',
    to: 'if (block.timestamp + 1 < readyAt)',
  },
  {
    name: 'withdraw: a second late',
    from: 'if (block.timestamp < readyAt)',
    to: 'if (block.timestamp <= readyAt)',
  },
  {
    name: 'withdraw: does not finalize',
    from: 'state.finalized = true;\n        uint128 settled',
    to: 'uint128 settled',
  },
  {
    name: 'withdraw: refunds the whole deposit',
    from: 'uint128 refund = state.deposit - settled;\n        emit ChannelWithdrawn',
    to: 'uint128 refund = state.deposit;\n        emit ChannelWithdrawn',
  },
  { name: 'grace period: 10 minutes', from: '= 15 minutes', to: '= 10 minutes' },
  {
    name: 'close: does not finalize',
    from: 'state.finalized = true;\n        uint128 refund',
    to: 'uint128 refund',
  },
  {
    name: 'close: anybody may forfeit',
    from: 'if (msg.sender != parties.payee) revert NotPayee(channelId, msg.sender, parties.payee);',
    to: '',
  },
  {
    name: 'close: needs a voucher for what is settled already',
    from: 'if (cumulativeAmount > settled) {',
    to: 'if (cumulativeAmount >= settled) {',
  },
  {
    name: 'live: an unknown channel is',
    from: 'if (parties.payer == address(0)) revert ChannelNotFound(channelId);',
    to: '',
  },
  {
    name: 'live: a finalized channel is',
    from: 'if (state.finalized) revert ChannelFinalized(channelId);',
    to: '',
  },
  {
    name: 'settle: from an unknown channel',
    from: 'if (parties.payer == address(0)) return abi.encodeWithSelector(ChannelNotFound.selector, channelId);',
    to: '',
  },
  {
    name: 'settle: from a finalized channel',
    from: 'if (state.finalized) return abi.encodeWithSelector(ChannelFinalized.selector, channelId);',
    to: '',
  },
  { name: 'settle: anybody may', from: 'if (msg.sender != parties.payee) {', to: 'if (false) {' },
  {
    name: 'settle: the same amount again',
    from: 'if (cumulativeAmount <= state.settled) {',
    to: 'if (cumulativeAmount < state.settled) {',
  },
  {
    name: 'settle: one above the deposit',
    from: 'if (cumulativeAmount > state.deposit) {',
    to: 'if (cumulativeAmount > uint256(state.deposit) + 1) {',
  },
  {
    name: 'settle: pays the total, not the difference',
    from: 'uint128 delta = cumulativeAmount - state.settled;',
    to: 'uint128 delta = cumulativeAmount;',
  },
  {
    name: 'signature: none is needed',
    from: 'if (!_isSignedBy(_signer(parties), digest, signature)) {',
    to: 'if (false) {',
  },
  {
    name: 'signature: the payer’s counts for a delegate’s',
    from: 'parties.authorizedSigner == address(0) ? parties.payer : parties.authorizedSigner;',
    to: 'parties.payer;',
  },
  {
    name: 'signature: high s counts',
    from: 'return signer.code.length != 0 &&',
    to: `if (signature.length == 65) {
            bytes32 r = bytes32(signature[0:32]);
            bytes32 s = bytes32(signature[32:64]);
            if (ecrecover(digest, uint8(signature[64]), r, s) == signer) return true;
        }
        return signer.code.length != 0 &&`,
  },
  {
    name: 'signature: code is asked before the key',
    from: 'if (_recover(digest, signature) == signer) return true;',
    to: 'if (signer.code.length == 0) return _recover(digest, signature) == signer;',
  },
  {
    name: 'wallet: may burn thirty times its gas',
    from: 'staticcall(SIGNER_GAS,',
    to: 'staticcall(mul(30, SIGNER_GAS),',
  },
  {
    name: 'wallet: may be asked with too little gas',
    from: 'if (gasleft() < required) revert InsufficientGas(gasleft(), required);',
    to: '',
  },
  {
    name: 'wallet: only the first four bytes of its answer count',
    from: 'eq(mload(0x00), magic)',
    to: 'eq(shr(224, mload(0x00)), shr(224, magic))',
  },
  {
    name: 'wallet: a short answer counts',
    from: 'gt(returndatasize(), 0x1f)',
    to: 'gt(returndatasize(), 0x03)',
  },
  { name: 'wallet: a revert counts', from: 'yes := and(yes, and(', to: 'yes := and(1, and(' },
  { name: 'pull: any amount will do', from: 'if (actual != expected) revert', to: 'if (false) revert' },
  {
    name: 'settle: records nothing',
    from: 'state.settled = uint104(cumulativeAmount);\n',
    to: '\n',
  },
  {
    name: 'refusal: tokens may be mixed',
    from: 'if (token != parties.token) {',
    to: 'if (false) {',
  },
  {
    name: 'batch: from a finalized channel',
    from: 'if (!finalized && cumulativeAmount > settled',
    to: 'if (cumulativeAmount > settled',
  },
  {
    name: 'batch: less than is settled',
    from: '&& cumulativeAmount > settled && cumulativeAmount <= deposit',
    to: '&& cumulativeAmount <= deposit',
  },
  {
    name: 'batch: one above the deposit',
    from: '&& cumulativeAmount <= deposit)',
    to: '&& cumulativeAmount <= deposit + 1)',
  },
  {
    name: 'batch: pays the total, not the difference',
    from: 'return (state, uint128(cumulativeAmount - settled));',
    to: 'return (state, cumulativeAmount);',
  },
  {
    name: 'batch: pays the total, not the difference, when a wallet signed',
    from: 'if (refusal.length == 0) return (state, cumulativeAmount - state.settled);',
    to: 'if (refusal.length == 0) return (state, cumulativeAmount);',
  },
  {
    name: 'batch: counts what it skips',
    from: 'if (delta == 0) continue;',
    to: '',
  },
  {
    name: 'state: whatever the channel',
    from: 'mstore(free, channelId)',
    to: 'mstore(free, 0)',
  },
  {
    name: 'state: whoever the payee',
    from: 'shl(96, payee)',
    to: '0',
  },
  {
    name: 'state: whatever the token',
    from: 'shl(96, token)',
    to: '0',
  },
  {
    name: 'state: whoever the signer',
    from: 'shl(96, signer)',
    to: '0',
  },
  {
    name: 'state: the last byte of the signer does not count',
    from: 'keccak256(free, 0x5c)',
    to: 'keccak256(free, 0x5b)',
  },
  guard('topUp', 'topUp(bytes32 channelId, uint128 additionalDeposit) external'),
  guard('requestClose', 'requestClose(bytes32 channelId) external'),
  guard('withdraw', 'withdraw(bytes32 channelId) external'),
  guard('settle', 'settle(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external'),
  guard('close', 'close(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external'),
  guard(
    'open',
    'open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner)\n        external\n       ',
  ),
  guard(
    'settleBatch',
    'settleBatch(address token, Settlement[] calldata settlements)\n        external\n       ',
  ),
]
