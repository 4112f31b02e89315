// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The one function of EIP-3009 that the escrow calls, in the `bytes signature` form of USDC v2.2
/// @notice Tokens that only have the older `(uint8 v, bytes32 r, bytes32 s)` form are not served by the relayed
/// functions of the escrow; they can still be deposited with `approve` and `open`.
interface IERC3009 {
    /// @notice Moves `value` from `from` to `to` under a signature of `from`. Only `to` itself may call, so that a
    /// signature seen in the mempool cannot be spent by anyone else.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}
