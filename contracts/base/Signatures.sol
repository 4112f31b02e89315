// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IChannelEscrow} from "../interfaces/IChannelEscrow.sol";

/// @title Signatures
/// @notice What is signed, and whether it was: digests of vouchers, nonces of relayed deposits, keys and wallets.
abstract contract Signatures is IChannelEscrow, EIP712 {
    /// @inheritdoc IChannelEscrow
    uint256 public constant SIGNER_GAS = 300_000;

    bytes32 private constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 cumulativeAmount)");

    constructor() EIP712("EVM Payment Channel", "1") {}

    /// @inheritdoc IChannelEscrow
    function getVoucherDigest(bytes32 channelId, uint128 cumulativeAmount) public view returns (bytes32) {
        return _voucherDigest(_domainSeparatorV4(), channelId, cumulativeAmount);
    }

    /// @dev The domain is given, so that a batch asks for it once.
    function _voucherDigest(bytes32 domain, bytes32 channelId, uint128 cumulativeAmount)
        internal
        pure
        returns (bytes32)
    {
        bytes32 structHash = keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, cumulativeAmount));
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }

    /// @inheritdoc IChannelEscrow
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IChannelEscrow
    function computeOpenNonce(
        address from,
        address payee,
        address token,
        bytes32 salt,
        address authorizedSigner
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(from, payee, token, salt, authorizedSigner));
    }

    /// @inheritdoc IChannelEscrow
    function computeTopUpNonce(bytes32 channelId, uint128 additionalDeposit, address from, bytes32 topUpSalt)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(channelId, additionalDeposit, from, topUpSalt));
    }

    /// @dev The key first, the code second. An account with a key (EOA) can be given code at any time (EIP-7702);
    /// were the code asked first, a payer could void its signed vouchers by delegating to a contract that denies them.
    function _isSignedBy(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        if (_recover(digest, signature) == signer) return true;
        return signer.code.length != 0 && _isConfirmedBy(signer, digest, signature);
    }

    /// @dev The account whose key made this signature; zero when it is none: wrong length, wrong v, or high s.
    function _recover(bytes32 digest, bytes calldata signature) internal pure returns (address recovered) {
        (recovered,,) = ECDSA.tryRecoverCalldata(digest, signature);
    }

    /// @dev ERC-1271, from a wallet that may be hostile: it gets SIGNER_GAS and no more, and no more than one word of
    /// its answer is looked at. EIP-150 would quietly give it less when less is left, and an honest wallet would then
    /// seem to deny; so too little gas is an error of the caller, not an answer.
    function _isConfirmedBy(address wallet, bytes32 digest, bytes calldata signature) private view returns (bool yes) {
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes4 magic = IERC1271.isValidSignature.selector;
        uint256 required = SIGNER_GAS * 64 / 63 + 5_000;
        if (gasleft() < required) revert InsufficientGas(gasleft(), required);
        assembly ("memory-safe") {
            mstore(0x00, 0)
            yes := staticcall(SIGNER_GAS, wallet, add(question, 0x20), mload(question), 0x00, 0x20)
            yes := and(yes, and(gt(returndatasize(), 0x1f), eq(mload(0x00), magic)))
        }
    }
}
