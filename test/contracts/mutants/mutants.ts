/** A change to the escrow that takes one rule away. Some test must notice each. */
export type Mutant = {
  name: string
  /** Text of `contracts/ChannelEscrow.sol`; its first occurrence is replaced. */
  from: string
  to: string
}

const guard = (name: string, signature: string): Mutant => ({
  name: `${name}: no reentrancy guard`,
  from: `function ${signature} nonReentrant`,
  to: `function ${signature} `,
})

export const mutants: readonly Mutant[] = [
  { name: 'open: payee may be zero', from: 'if (payee == address(0)) revert ZeroPayee();', to: '' },
  { name: 'open: deposit may be zero', from: 'if (deposit == 0) revert ZeroDeposit();', to: '' },
  {
    name: 'open: token may be without code',
    from: 'if (token.code.length == 0) revert TokenWithoutCode(token);',
    to: '',
  },
  {
    name: 'open: a channel may be opened twice',
    from: 'if (record.payer != address(0)) revert ChannelAlreadyExists(channelId);',
    to: '',
  },
  {
    name: 'open: a finalized channel may be opened again',
    from: 'if (record.payer != address(0)) revert ChannelAlreadyExists',
    to: 'if (record.payer != address(0) && !record.finalized) revert ChannelAlreadyExists',
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
    from: '_onlyPayer(record, channelId);\n        // Effect\n        _topUp',
    to: '// Effect\n        _topUp',
  },
  {
    name: 'topUp: nonce is not bound',
    from: '_onlyNonce(nonce, computeTopUpNonce(channelId, additionalDeposit, from, topUpSalt));',
    to: '',
  },
  {
    name: 'topUp: a third party takes a close request back',
    from: 'if (from == record.payer && record.closeRequestedAt != 0)',
    to: 'if (record.closeRequestedAt != 0)',
  },
  { name: 'topUp: a close request stands', from: 'record.closeRequestedAt = 0;\n', to: '\n' },
  {
    name: 'requestClose: anybody may',
    from: '_onlyPayer(record, channelId);\n        if (record.closeRequestedAt',
    to: 'if (record.closeRequestedAt',
  },
  {
    name: 'requestClose: the clock starts over',
    from: 'if (record.closeRequestedAt != 0) return;',
    to: '',
  },
  {
    name: 'withdraw: anybody may',
    from: '_onlyPayer(record, channelId);\n        uint256 requestedAt',
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
    from: 'record.finalized = true;\n        uint128 settled',
    to: 'uint128 settled',
  },
  {
    name: 'withdraw: refunds the whole deposit',
    from: 'uint128 refund = record.deposit - settled;\n        emit ChannelWithdrawn',
    to: 'uint128 refund = record.deposit;\n        emit ChannelWithdrawn',
  },
  { name: 'grace period: 10 minutes', from: '= 15 minutes', to: '= 10 minutes' },
  {
    name: 'close: does not finalize',
    from: 'record.finalized = true;\n        address payer',
    to: 'address payer',
  },
  {
    name: 'close: anybody may forfeit',
    from: 'else if (msg.sender != record.payee) revert NotPayee(channelId, msg.sender, record.payee);',
    to: '',
  },
  {
    name: 'close: needs a voucher for what is settled already',
    from: 'bool forfeit = cumulativeAmount <= record.settled;',
    to: 'bool forfeit = cumulativeAmount < record.settled;',
  },
  {
    name: 'live: an unknown channel is',
    from: 'if (record.payer == address(0)) revert ChannelNotFound(channelId);',
    to: '',
  },
  {
    name: 'live: a finalized channel is',
    from: 'if (record.finalized) revert ChannelFinalized(channelId);',
    to: '',
  },
  {
    name: 'settle: from an unknown channel',
    from: 'if (payer == address(0)) return abi.encodeWithSelector(ChannelNotFound.selector, channelId);',
    to: '',
  },
  {
    name: 'settle: from a finalized channel',
    from: 'if (record.finalized) return abi.encodeWithSelector(ChannelFinalized.selector, channelId);',
    to: '',
  },
  { name: 'settle: anybody may', from: 'if (msg.sender != record.payee) {', to: 'if (false) {' },
  {
    name: 'settle: the same amount again',
    from: 'if (cumulativeAmount <= record.settled) {',
    to: 'if (cumulativeAmount < record.settled) {',
  },
  {
    name: 'settle: one above the deposit',
    from: 'if (cumulativeAmount > record.deposit) {',
    to: 'if (cumulativeAmount > uint256(record.deposit) + 1) {',
  },
  {
    name: 'settle: pays the total, not the difference',
    from: 'delta = cumulativeAmount - record.settled;',
    to: 'delta = cumulativeAmount;',
  },
  {
    name: 'signature: none is needed',
    from: 'if (!_isSignedBy(signer, digest, signature)) {',
    to: 'if (false) {',
  },
  {
    name: 'signature: the payer’s counts for a delegate’s',
    from: 'record.delegated ? record.authorizedSigner : payer;',
    to: 'payer;',
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
    from: '(address recovered, ECDSA.RecoverError problem,)',
    to: `if (signer.code.length != 0) return _isConfirmedBy(signer, digest, signature);
        (address recovered, ECDSA.RecoverError problem,)`,
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
    name: 'batch: tokens may be mixed',
    from: 'count != 0 && token != batchToken && token != address(0)',
    to: 'false',
  },
  {
    name: 'batch: the first voucher decides the token, though it is bad',
    from: '            // Check\n            bytes memory refusal = count != 0',
    to: '            if (i == 0) batchToken = token;\n            bytes memory refusal = batchToken != address(0)',
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
  guard('settleBatch', 'settleBatch(Settlement[] calldata settlements)\n        external\n       '),
]
