// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ChannelStore} from "./base/ChannelStore.sol";
import {Signatures} from "./base/Signatures.sol";
import {IChannelEscrow} from "./interfaces/IChannelEscrow.sol";
import {IERC3009} from "./interfaces/IERC3009.sol";

/// @title ChannelEscrow
/// @notice Holds deposits and pays them out against vouchers. The interface is the manual; this file is the proof: who
/// may do what, and what moves. Where channels are kept is in `ChannelStore`, what is signed in `Signatures`.
contract ChannelEscrow is IChannelEscrow, IERC165, Signatures, ChannelStore, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @inheritdoc IChannelEscrow
    uint64 public constant CLOSE_GRACE_PERIOD = 15 minutes;

    // ------------------------------------------------------------------------------------------- The payer

    /// @inheritdoc IChannelEscrow
    function open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        // Check, Effect
        channelId = _open(Parties(msg.sender, payee, token, authorizedSigner), deposit, salt);
        // Interaction
        _pull(token, msg.sender, deposit);
    }

    /// @inheritdoc IChannelEscrow
    function topUp(bytes32 channelId, uint128 additionalDeposit) external nonReentrant {
        // Check
        (Parties memory parties, State storage state) = _live(channelId);
        _onlyPayer(parties, channelId);
        // Effect
        _topUp(parties, state, channelId, msg.sender, additionalDeposit);
        // Interaction
        _pull(parties.token, msg.sender, additionalDeposit);
    }

    /// @inheritdoc IChannelEscrow
    function requestClose(bytes32 channelId) external nonReentrant {
        // Check
        (Parties memory parties, State storage state) = _live(channelId);
        _onlyPayer(parties, channelId);
        if (state.closeRequestedAt != 0) return;
        // Effect
        state.closeRequestedAt = uint40(block.timestamp);
        emit CloseRequested(channelId, parties.payee, msg.sender, uint64(block.timestamp) + CLOSE_GRACE_PERIOD);
    }

    /// @inheritdoc IChannelEscrow
    function withdraw(bytes32 channelId) external nonReentrant {
        // Check
        (Parties memory parties, State storage state) = _live(channelId);
        _onlyPayer(parties, channelId);
        uint256 requestedAt = state.closeRequestedAt;
        if (requestedAt == 0) revert CloseNotReady(channelId, block.timestamp, 0);
        uint256 readyAt = requestedAt + CLOSE_GRACE_PERIOD;
        if (block.timestamp < readyAt) revert CloseNotReady(channelId, block.timestamp, readyAt);
        // Effect
        state.finalized = true;
        uint128 settled = state.settled;
        uint128 refund = state.deposit - settled;
        emit ChannelWithdrawn(channelId, parties.payee, msg.sender, settled, refund);
        // Interaction
        _pay(parties.token, msg.sender, refund);
    }

    // ------------------------------------------------------------------------------------------- The payee

    /// @inheritdoc IChannelEscrow
    function settle(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external nonReentrant {
        // Check
        (Parties memory parties, State storage state) = _load(channelId);
        _throw(_refusal(parties, state, channelId, parties.token, cumulativeAmount, signature));
        // Effect
        uint128 delta = cumulativeAmount - state.settled;
        _settle(state, channelId, cumulativeAmount, delta);
        // Interaction
        _pay(parties.token, msg.sender, delta);
    }

    /// @inheritdoc IChannelEscrow
    function settleBatch(address token, Settlement[] calldata settlements)
        external
        nonReentrant
        returns (uint256 amount, uint256 count)
    {
        bytes32 domain = _domainSeparatorV4();
        for (uint256 i = 0; i < settlements.length; ++i) {
            Settlement calldata entry = settlements[i];
            uint128 cumulativeAmount = entry.cumulativeAmount;
            // Check
            (State storage state, uint128 delta) =
                _seek(domain, entry.channelId, token, cumulativeAmount, entry.signature);
            if (delta == 0) continue;
            // Effect
            _settle(state, entry.channelId, cumulativeAmount, delta);
            unchecked {
                amount += delta; // each is below 2^104, and no block has room for 2^152 of them
                ++count;
            }
        }
        if (count == 0) return (0, 0);
        emit BatchSettled(msg.sender, token, amount, count);
        // Interaction
        _pay(token, msg.sender, amount);
    }

    /// @inheritdoc IChannelEscrow
    function close(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external nonReentrant {
        // Check
        (Parties memory parties, State storage state) = _live(channelId);
        if (msg.sender != parties.payee) revert NotPayee(channelId, msg.sender, parties.payee);
        uint128 settled = state.settled;
        uint128 delta = 0;
        if (cumulativeAmount > settled) {
            _throw(_refusal(parties, state, channelId, parties.token, cumulativeAmount, signature));
            delta = cumulativeAmount - settled;
        }
        // Effect
        if (delta != 0) _settle(state, channelId, cumulativeAmount, delta);
        state.finalized = true;
        uint128 refund = state.deposit - settled - delta;
        emit ChannelClosed(channelId, msg.sender, parties.payer, settled + delta, refund);
        // Interaction
        _pay(parties.token, msg.sender, delta);
        _pay(parties.token, parties.payer, refund);
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
        channelId = _open(Parties(from, payee, token, authorizedSigner), deposit, salt);
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
        (Parties memory parties, State storage state) = _live(channelId);
        // Effect
        _topUp(parties, state, channelId, from, additionalDeposit);
        // Interaction
        _receive(parties.token, from, additionalDeposit, validAfter, validBefore, nonce, signature);
    }

    // ------------------------------------------------------------------------------------- Checks and effects

    function _open(Parties memory parties, uint128 deposit, bytes32 salt) private returns (bytes32 channelId) {
        (address payer, address payee, address token) = (parties.payer, parties.payee, parties.token);
        // Check
        if (payer == address(0)) revert ZeroPayer();
        if (payee == address(0)) revert ZeroPayee();
        if (deposit == 0) revert ZeroDeposit();
        if (token.code.length == 0) revert TokenWithoutCode(token);
        channelId = computeChannelId(payer, payee, token, salt, parties.authorizedSigner);
        if (_exists(channelId)) revert ChannelAlreadyExists(channelId);
        if (deposit > MAX_DEPOSIT) revert DepositOverflow(channelId, 0, deposit);
        // Effect
        _create(channelId, parties, deposit);
        emit ChannelOpened(channelId, payee, payer, token, parties.authorizedSigner, salt, deposit);
    }

    function _topUp(
        Parties memory parties,
        State storage state,
        bytes32 channelId,
        address from,
        uint128 additionalDeposit
    ) private {
        // Check
        if (additionalDeposit == 0) revert ZeroDeposit();
        (uint128 deposit, uint256 closeRequestedAt) = (state.deposit, state.closeRequestedAt);
        if (additionalDeposit > MAX_DEPOSIT - deposit) {
            revert DepositOverflow(channelId, deposit, additionalDeposit);
        }
        // Effect
        deposit += additionalDeposit;
        state.deposit = uint104(deposit);
        emit ChannelToppedUp(channelId, from, additionalDeposit, deposit);
        if (from == parties.payer && closeRequestedAt != 0) {
            state.closeRequestedAt = 0;
            emit CloseRequestCancelled(channelId, parties.payee, from);
        }
    }

    /// @dev The amount is at most the deposit, so it fits.
    function _settle(State storage state, bytes32 channelId, uint128 cumulativeAmount, uint128 delta) private {
        state.settled = uint104(cumulativeAmount);
        emit ChannelSettled(channelId, msg.sender, cumulativeAmount, delta);
    }

    /// @dev What a voucher of a batch pays, and where; 0 when it was skipped. First it looks where the state lies if
    /// the caller is the channel's payee, `token` its token and whoever signed its signer: a voucher within a deposit
    /// found there breaks no rule (see `ChannelStore`). Else `_refusal` knows what is wrong, or that a wallet signed.
    function _seek(
        bytes32 domain,
        bytes32 channelId,
        address token,
        uint128 cumulativeAmount,
        bytes calldata signature
    ) private returns (State storage state, uint128 delta) {
        address recovered = _recover(_voucherDigest(domain, channelId, cumulativeAmount), signature);
        state = _stateAt(channelId, msg.sender, token, recovered);
        // Read at once, for the compiler to load the slot once.
        (uint256 settled, uint256 deposit, bool finalized) = (state.settled, state.deposit, state.finalized);
        if (!finalized && cumulativeAmount > settled && cumulativeAmount <= deposit) {
            unchecked {
                return (state, uint128(cumulativeAmount - settled));
            }
        }
        Parties memory parties;
        (parties, state) = _load(channelId);
        bytes memory refusal = _refusal(parties, state, channelId, token, cumulativeAmount, signature);
        if (refusal.length == 0) return (state, cumulativeAmount - state.settled);
        emit SettlementSkipped(channelId, msg.sender, cumulativeAmount, bytes4(refusal));
    }

    /// @dev Every rule a voucher must pass, in one place: the encoded error of the first it breaks, or nothing.
    /// `settle` throws it, `settleBatch` reports its selector.
    function _refusal(
        Parties memory parties,
        State storage state,
        bytes32 channelId,
        address token,
        uint128 cumulativeAmount,
        bytes calldata signature
    ) private view returns (bytes memory) {
        if (parties.payer == address(0)) return abi.encodeWithSelector(ChannelNotFound.selector, channelId);
        if (state.finalized) return abi.encodeWithSelector(ChannelFinalized.selector, channelId);
        if (msg.sender != parties.payee) {
            return abi.encodeWithSelector(NotPayee.selector, channelId, msg.sender, parties.payee);
        }
        if (token != parties.token) {
            return abi.encodeWithSelector(TokenMismatch.selector, channelId, parties.token, token);
        }
        if (cumulativeAmount <= state.settled) {
            return
                abi.encodeWithSelector(AmountNotIncreasing.selector, channelId, cumulativeAmount, state.settled);
        }
        if (cumulativeAmount > state.deposit) {
            return
                abi.encodeWithSelector(AmountExceedsDeposit.selector, channelId, cumulativeAmount, state.deposit);
        }
        bytes32 digest = getVoucherDigest(channelId, cumulativeAmount);
        if (!_isSignedBy(_signer(parties), digest, signature)) {
            return abi.encodeWithSelector(InvalidSignature.selector, channelId, _signer(parties), digest);
        }
        return "";
    }

    function _live(bytes32 channelId) private view returns (Parties memory parties, State storage state) {
        (parties, state) = _load(channelId);
        if (parties.payer == address(0)) revert ChannelNotFound(channelId);
        if (state.finalized) revert ChannelFinalized(channelId);
    }

    function _onlyPayer(Parties memory parties, bytes32 channelId) private view {
        if (msg.sender != parties.payer) revert NotPayer(channelId, msg.sender, parties.payer);
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

    /// @notice What this escrow can do, asked before relying on it (ERC-165). Beside the two interfaces: the relayed
    /// EIP-3009 pair (the XOR of its selectors) and `settleBatch` (its selector).
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IChannelEscrow).interfaceId
            || id == this.openWithAuthorization.selector ^ this.topUpWithAuthorization.selector
            || id == this.settleBatch.selector;
    }
}
