// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IChannelEscrow} from "./interfaces/IChannelEscrow.sol";
import {IERC3009} from "./interfaces/IERC3009.sol";

/// @title ChannelEscrow
/// @notice Holds deposits and pays them out against vouchers. The interface is the manual; this file is the proof.
contract ChannelEscrow is IChannelEscrow, IERC165, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev A channel as stored. A first open writes slots 0 to 3, and slot 4 only for a delegated signer.
    struct Record {
        // slot 0
        address payer; //            20 bytes; not zero means the channel exists
        uint64 closeRequestedAt; //   8 bytes
        bool finalized; //            1 byte; sticky
        bool delegated; //            1 byte; slot 4 is in use. Spares a settlement the cold read of a zero
        // slot 1
        address payee; //            20 bytes
        // slot 2
        address token; //            20 bytes
        // slot 3
        uint128 deposit; //          16 bytes; only grows
        uint128 settled; //          16 bytes; only grows, at most deposit
        // slot 4
        address authorizedSigner; // 20 bytes; written only when delegated
    }

    /// @inheritdoc IChannelEscrow
    uint64 public constant CLOSE_GRACE_PERIOD = 15 minutes;

    /// @inheritdoc IChannelEscrow
    uint256 public constant SIGNER_GAS = 300_000;

    bytes32 private constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 cumulativeAmount)");

    /// @dev At base slot 2; slots 0 and 1 are EIP712's, deprecated and empty. Records are never deleted.
    mapping(bytes32 channelId => Record) private _records;

    constructor() EIP712("EVM Payment Channel", "1") {}

    // ------------------------------------------------------------------------------------------- The payer

    /// @inheritdoc IChannelEscrow
    function open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        // Check, Effect
        channelId = _open(msg.sender, payee, token, deposit, salt, authorizedSigner);
        // Interaction
        _pull(token, msg.sender, deposit);
    }

    /// @inheritdoc IChannelEscrow
    function topUp(bytes32 channelId, uint128 additionalDeposit) external nonReentrant {
        // Check
        Record storage record = _live(channelId);
        _onlyPayer(record, channelId);
        // Effect
        _topUp(record, channelId, msg.sender, additionalDeposit);
        // Interaction
        _pull(record.token, msg.sender, additionalDeposit);
    }

    /// @inheritdoc IChannelEscrow
    function requestClose(bytes32 channelId) external nonReentrant {
        // Check
        Record storage record = _live(channelId);
        _onlyPayer(record, channelId);
        if (record.closeRequestedAt != 0) return;
        // Effect
        record.closeRequestedAt = uint64(block.timestamp);
        emit CloseRequested(channelId, msg.sender, record.payee, uint64(block.timestamp) + CLOSE_GRACE_PERIOD);
    }

    /// @inheritdoc IChannelEscrow
    function withdraw(bytes32 channelId) external nonReentrant {
        // Check
        Record storage record = _live(channelId);
        _onlyPayer(record, channelId);
        uint256 requestedAt = record.closeRequestedAt;
        if (requestedAt == 0) revert CloseNotReady(channelId, block.timestamp, 0);
        uint256 readyAt = requestedAt + CLOSE_GRACE_PERIOD;
        if (block.timestamp < readyAt) revert CloseNotReady(channelId, block.timestamp, readyAt);
        // Effect
        record.finalized = true;
        uint128 settled = record.settled;
        uint128 refund = record.deposit - settled;
        emit ChannelWithdrawn(channelId, msg.sender, record.payee, settled, refund);
        // Interaction
        _pay(record.token, msg.sender, refund);
    }

    // ------------------------------------------------------------------------------------------- The payee

    /// @inheritdoc IChannelEscrow
    function settle(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external nonReentrant {
        Record storage record = _records[channelId];
        // Check
        _throw(_refusal(record, channelId, cumulativeAmount, signature));
        // Effect
        uint128 delta = _settle(record, channelId, cumulativeAmount);
        // Interaction
        _pay(record.token, msg.sender, delta);
    }

    /// @inheritdoc IChannelEscrow
    function settleBatch(Settlement[] calldata settlements)
        external
        nonReentrant
        returns (uint256 amount, uint256 count)
    {
        address batchToken;
        for (uint256 i = 0; i < settlements.length; ++i) {
            Settlement calldata entry = settlements[i];
            Record storage record = _records[entry.channelId];
            address token = record.token;
            // Check
            bytes memory refusal = count != 0 && token != batchToken && token != address(0)
                ? abi.encodeWithSelector(TokenMismatch.selector, entry.channelId, token, batchToken)
                : _refusal(record, entry.channelId, entry.cumulativeAmount, entry.signature);
            // Effect
            if (refusal.length != 0) {
                emit SettlementSkipped(entry.channelId, msg.sender, entry.cumulativeAmount, bytes4(refusal));
                continue;
            }
            batchToken = token;
            amount += _settle(record, entry.channelId, entry.cumulativeAmount);
            ++count;
        }
        if (count == 0) return (0, 0);
        emit BatchSettled(msg.sender, batchToken, amount, count);
        // Interaction
        _pay(batchToken, msg.sender, amount);
    }

    /// @inheritdoc IChannelEscrow
    function close(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external nonReentrant {
        // Check
        Record storage record = _live(channelId);
        bool forfeit = cumulativeAmount <= record.settled;
        if (!forfeit) _throw(_refusal(record, channelId, cumulativeAmount, signature));
        else if (msg.sender != record.payee) revert NotPayee(channelId, msg.sender, record.payee);
        // Effect
        record.finalized = true;
        address payer = record.payer;
        uint128 delta = forfeit ? 0 : _settle(record, channelId, cumulativeAmount);
        uint128 settled = record.settled;
        uint128 refund = record.deposit - settled;
        emit ChannelClosed(channelId, payer, msg.sender, settled, refund);
        // Interaction
        _pay(record.token, msg.sender, delta);
        _pay(record.token, payer, refund);
    }

    // --------------------------------------------------------------------------------------------- Relayed

    /// @inheritdoc IChannelEscrow
    function openWithAuthorization(
        address payee,
        address token,
        uint128 deposit,
        bytes32 salt,
        address authorizedSigner,
        address from,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external nonReentrant returns (bytes32 channelId) {
        // Check: the nonce is what ties the payer's signature to these parameters
        _onlyNonce(nonce, computeOpenNonce(from, payee, token, salt, authorizedSigner));
        // Check, Effect
        channelId = _open(from, payee, token, deposit, salt, authorizedSigner);
        // Interaction
        _receive(token, from, deposit, validAfter, validBefore, nonce, signature);
    }

    /// @inheritdoc IChannelEscrow
    function topUpWithAuthorization(
        bytes32 channelId,
        uint128 additionalDeposit,
        address from,
        bytes32 topUpSalt,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external nonReentrant {
        // Check
        _onlyNonce(nonce, computeTopUpNonce(channelId, additionalDeposit, from, topUpSalt));
        Record storage record = _live(channelId);
        // Effect
        _topUp(record, channelId, from, additionalDeposit);
        // Interaction
        _receive(record.token, from, additionalDeposit, validAfter, validBefore, nonce, signature);
    }

    // ------------------------------------------------------------------------------------- Checks and effects

    function _open(
        address payer,
        address payee,
        address token,
        uint128 deposit,
        bytes32 salt,
        address authorizedSigner
    ) private returns (bytes32 channelId) {
        // Check
        if (payee == address(0)) revert ZeroPayee();
        if (deposit == 0) revert ZeroDeposit();
        if (token.code.length == 0) revert TokenWithoutCode(token);
        channelId = computeChannelId(payer, payee, token, salt, authorizedSigner);
        Record storage record = _records[channelId];
        if (record.payer != address(0)) revert ChannelAlreadyExists(channelId);
        // Effect
        record.payer = payer;
        record.payee = payee;
        record.token = token;
        record.deposit = deposit;
        if (authorizedSigner != address(0)) {
            record.delegated = true;
            record.authorizedSigner = authorizedSigner;
        }
        emit ChannelOpened(channelId, payer, payee, token, authorizedSigner, salt, deposit);
    }

    function _topUp(Record storage record, bytes32 channelId, address from, uint128 additionalDeposit) private {
        // Check
        if (additionalDeposit == 0) revert ZeroDeposit();
        uint128 deposit = record.deposit;
        if (additionalDeposit > type(uint128).max - deposit) {
            revert DepositOverflow(channelId, deposit, additionalDeposit);
        }
        // Effect
        record.deposit = deposit + additionalDeposit;
        emit ChannelToppedUp(channelId, from, additionalDeposit, deposit + additionalDeposit);
        if (from == record.payer && record.closeRequestedAt != 0) {
            record.closeRequestedAt = 0;
            emit CloseRequestCancelled(channelId, from, record.payee);
        }
    }

    function _settle(Record storage record, bytes32 channelId, uint128 cumulativeAmount)
        private
        returns (uint128 delta)
    {
        // Effect
        delta = cumulativeAmount - record.settled;
        record.settled = cumulativeAmount;
        emit ChannelSettled(channelId, record.payer, msg.sender, cumulativeAmount, delta);
    }

    /// @dev Every rule a voucher must pass, in one place: the encoded error of the first it breaks, or nothing.
    /// `settle` throws it, `settleBatch` reports its selector.
    function _refusal(
        Record storage record,
        bytes32 channelId,
        uint128 cumulativeAmount,
        bytes calldata signature
    ) private view returns (bytes memory) {
        address payer = record.payer;
        if (payer == address(0)) return abi.encodeWithSelector(ChannelNotFound.selector, channelId);
        if (record.finalized) return abi.encodeWithSelector(ChannelFinalized.selector, channelId);
        if (msg.sender != record.payee) {
            return abi.encodeWithSelector(NotPayee.selector, channelId, msg.sender, record.payee);
        }
        if (cumulativeAmount <= record.settled) {
            return
                abi.encodeWithSelector(AmountNotIncreasing.selector, channelId, cumulativeAmount, record.settled);
        }
        if (cumulativeAmount > record.deposit) {
            return
                abi.encodeWithSelector(AmountExceedsDeposit.selector, channelId, cumulativeAmount, record.deposit);
        }
        address signer = record.delegated ? record.authorizedSigner : payer;
        bytes32 digest = getVoucherDigest(channelId, cumulativeAmount);
        if (!_isSignedBy(signer, digest, signature)) {
            return abi.encodeWithSelector(InvalidSignature.selector, channelId, signer, digest);
        }
        return "";
    }

    /// @dev The key first, the code second. An account with a key (EOA) can be given code at any time (EIP-7702);
    /// were the code asked first, a payer could void its signed vouchers by delegating to a contract that denies them.
    function _isSignedBy(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (problem == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return signer.code.length != 0 && _isConfirmedBy(signer, digest, signature);
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

    function _live(bytes32 channelId) private view returns (Record storage record) {
        record = _records[channelId];
        if (record.payer == address(0)) revert ChannelNotFound(channelId);
        if (record.finalized) revert ChannelFinalized(channelId);
    }

    function _onlyPayer(Record storage record, bytes32 channelId) private view {
        if (msg.sender != record.payer) revert NotPayer(channelId, msg.sender, record.payer);
    }

    function _onlyNonce(bytes32 supplied, bytes32 expected) private pure {
        if (supplied != expected) revert NonceMismatch(supplied, expected);
    }

    function _throw(bytes memory refusal) private pure {
        if (refusal.length == 0) return;
        assembly ("memory-safe") {
            revert(add(refusal, 0x20), mload(refusal))
        }
    }

    // ----------------------------------------------------------------------------------------- Interactions

    function _pay(address token, address to, uint256 amount) private {
        if (amount != 0) IERC20(token).safeTransfer(to, amount);
    }

    function _pull(address token, address from, uint256 amount) private {
        uint256 expected = IERC20(token).balanceOf(address(this)) + amount;
        IERC20(token).safeTransferFrom(from, address(this), amount);
        _onlyExact(token, expected);
    }

    function _receive(
        address token,
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) private {
        uint256 expected = IERC20(token).balanceOf(address(this)) + amount;
        IERC3009(token).receiveWithAuthorization(
            from, address(this), amount, validAfter, validBefore, nonce, signature
        );
        _onlyExact(token, expected);
    }

    /// @dev The balance decides, not the token's word: a fee, or a fallback that swallows the call, ends here.
    function _onlyExact(address token, uint256 expected) private view {
        uint256 actual = IERC20(token).balanceOf(address(this));
        if (actual != expected) revert DepositNotExact(token, expected, actual);
    }

    // ------------------------------------------------------------------------------------------------ Views

    /// @inheritdoc IChannelEscrow
    function getChannel(bytes32 channelId) external view returns (Channel memory) {
        Record storage record = _records[channelId];
        return Channel({
            payer: record.payer,
            payee: record.payee,
            token: record.token,
            authorizedSigner: record.authorizedSigner,
            deposit: record.deposit,
            settled: record.settled,
            closeRequestedAt: record.closeRequestedAt,
            finalized: record.finalized
        });
    }

    /// @inheritdoc IChannelEscrow
    function computeChannelId(
        address payer,
        address payee,
        address token,
        bytes32 salt,
        address authorizedSigner
    ) public view returns (bytes32) {
        return keccak256(abi.encode(payer, payee, token, salt, authorizedSigner, address(this), block.chainid));
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

    /// @inheritdoc IChannelEscrow
    function getVoucherDigest(bytes32 channelId, uint128 cumulativeAmount) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, cumulativeAmount)));
    }

    /// @inheritdoc IChannelEscrow
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @notice What this escrow can do, asked before relying on it (ERC-165). Beside the two interfaces: the relayed
    /// EIP-3009 pair (the XOR of its selectors) and `settleBatch` (its selector).
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IChannelEscrow).interfaceId
            || id == this.openWithAuthorization.selector ^ this.topUpWithAuthorization.selector
            || id == this.settleBatch.selector;
    }
}
