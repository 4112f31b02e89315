// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Payment channels: a deposit that is paid out against cumulative vouchers
/// @notice A payer deposits tokens for one payee and then signs vouchers off chain. A voucher says "of this channel,
/// this much in all is yours"; the payee brings the highest one to the chain whenever it likes. Because the amount is
/// a running total, bringing a voucher twice, or bringing an old one, moves nothing.
///
/// The life of a channel: `open` → any number of `settle` and `topUp` → finalized, by one of two ways:
///   - the payee calls `close`: the last voucher is paid, the rest goes back to the payer, at once;
///   - the payer calls `requestClose`, waits `CLOSE_GRACE_PERIOD`, calls `withdraw`. The payee can still settle while
///     it waits, and a top-up by the payer takes the request back.
/// A finalized channel stays on record for ever: its id, and with it every voucher ever signed for it, can never
/// come to life again.
///
/// Nobody is above the two parties: there is no owner, no fee, no pause and no upgrade.
///
/// Implements the EVM session method of the HTTP Payment scheme (draft-evm-session-00): the mandatory core and, of
/// its optional profile, the two functions relayed under EIP-3009. `settleBatch` is an addition.
///
/// Amounts are base units of the channel's token. A token must move exactly the amount it is asked to move: a deposit
/// that arrives short is refused. A token whose balances change by themselves (rebasing) cannot be recognised here and
/// must not be used.
interface IChannelEscrow {
    // ---------------------------------------------------------------------------------------------- Structs

    /// @notice What is known of a channel.
    /// @param payer Who deposited, and who gets the remainder back.
    /// @param payee Who may settle and close.
    /// @param token The ERC-20 token held.
    /// @param authorizedSigner Who signs vouchers for the payer; zero means the payer itself.
    /// @param deposit Total ever deposited. Only grows, at most to `MAX_DEPOSIT`.
    /// @param settled Total ever paid to the payee. Only grows, never above `deposit`.
    /// @param closeRequestedAt Unix seconds of the payer's pending request to close, 0 without one.
    /// @param finalized Closed or withdrawn. Once set, nothing about the channel changes any more.
    struct Channel {
        address payer;
        address payee;
        address token;
        address authorizedSigner;
        uint128 deposit;
        uint128 settled;
        uint64 closeRequestedAt;
        bool finalized;
    }

    /// @notice One voucher brought to `settleBatch`.
    struct Settlement {
        bytes32 channelId;
        uint128 cumulativeAmount;
        bytes signature;
    }

    // ----------------------------------------------------------------------------------------------- Events
    // The payee comes right after the id: one filter finds all that concerns it. Only a top-up does not name it.

    /// @notice A channel came into being with its first deposit.
    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed payee,
        address indexed payer,
        address token,
        address authorizedSigner,
        bytes32 salt,
        uint128 deposit
    );

    /// @notice `from` added to the deposit of a channel.
    event ChannelToppedUp(
        bytes32 indexed channelId, address indexed from, uint128 additionalDeposit, uint128 newDeposit
    );

    /// @notice A voucher was paid: `delta` is what moved now, `cumulativeAmount` all that ever moved. Emitted by
    /// `settle`, `settleBatch` and `close`, so that the deltas of a channel sum to what its payee has received.
    event ChannelSettled(
        bytes32 indexed channelId, address indexed payee, uint128 cumulativeAmount, uint128 delta
    );

    /// @notice A voucher of a batch was left out. `reason` is the selector of the error with which `settle` would have
    /// refused it. Anybody can cause this event for any id; only those whose `payee` is yours concern you.
    event SettlementSkipped(
        bytes32 indexed channelId, address indexed payee, uint128 cumulativeAmount, bytes4 reason
    );

    /// @notice The one payout of a batch: the sum of the deltas of its `count` settled vouchers.
    event BatchSettled(address indexed payee, address indexed token, uint256 amount, uint256 count);

    /// @notice The payer asked to close. From `closeEndsAt` (Unix seconds) on it may withdraw.
    event CloseRequested(
        bytes32 indexed channelId, address indexed payee, address indexed payer, uint64 closeEndsAt
    );

    /// @notice A top-up by the payer took its request to close back.
    event CloseRequestCancelled(bytes32 indexed channelId, address indexed payee, address indexed payer);

    /// @notice The payee closed. Both amounts are totals: `settledToPayee + refundedToPayer` is the whole deposit.
    event ChannelClosed(
        bytes32 indexed channelId,
        address indexed payee,
        address indexed payer,
        uint128 settledToPayee,
        uint128 refundedToPayer
    );

    /// @notice The payer withdrew after the grace period. Both amounts are totals, as in `ChannelClosed`.
    event ChannelWithdrawn(
        bytes32 indexed channelId,
        address indexed payee,
        address indexed payer,
        uint128 settledToPayee,
        uint128 refundedToPayer
    );

    // ----------------------------------------------------------------------------------------------- Errors

    /// @notice These parameters have had a channel before, perhaps a finalized one. Fix: another salt.
    error ChannelAlreadyExists(bytes32 channelId);

    /// @notice No channel has this id.
    error ChannelNotFound(bytes32 channelId);

    /// @notice The channel is closed for ever.
    error ChannelFinalized(bytes32 channelId);

    /// @notice Only the payee may do this.
    error NotPayee(bytes32 channelId, address caller, address payee);

    /// @notice Only the payer may do this.
    error NotPayer(bytes32 channelId, address caller, address payer);

    /// @notice The voucher is not above what is settled already.
    error AmountNotIncreasing(bytes32 channelId, uint128 asked, uint128 settled);

    /// @notice The voucher is above the deposit.
    error AmountExceedsDeposit(bytes32 channelId, uint128 asked, uint128 deposit);

    /// @notice Not a signature of `signer` over the voucher's `digest`: wrong key, wrong chain or contract in the
    /// domain, altered amount, high-s form, wrong length, or a contract wallet that does not confirm it.
    error InvalidSignature(bytes32 channelId, address signer, bytes32 digest);

    /// @notice The EIP-3009 nonce is not the one that binds these parameters.
    error NonceMismatch(bytes32 supplied, bytes32 expected);

    /// @notice The grace period has not passed. `readyAt` is 0 when no close was requested at all.
    error CloseNotReady(bytes32 channelId, uint256 timestamp, uint256 readyAt);

    /// @notice A deposit of nothing.
    error ZeroDeposit();

    /// @notice A channel in favour of the zero address.
    error ZeroPayee();

    /// @notice A channel paid for by the zero address, which signs nothing.
    error ZeroPayer();

    /// @notice There is no contract at the token's address.
    error TokenWithoutCode(address token);

    /// @notice The deposit would pass `MAX_DEPOSIT`. `deposit` is what is there already.
    error DepositOverflow(bytes32 channelId, uint128 deposit, uint128 additionalDeposit);

    /// @notice The token moved another amount than was asked: a fee was taken, or nothing moved at all.
    /// The two numbers are the escrow's balance of the token as it should be and as it is.
    error DepositNotExact(address token, uint256 expectedBalance, uint256 actualBalance);

    /// @notice In a batch only: the voucher's channel holds another token than the batch was told to pay out.
    error TokenMismatch(bytes32 channelId, address token, address batchToken);

    /// @notice Too little gas is left to ask a contract wallet about a signature, so that its answer would not count.
    error InsufficientGas(uint256 left, uint256 required);

    // ------------------------------------------------------------------------------------------- The payer

    /// @notice Opens a channel with a deposit pulled from the caller, who becomes the payer. Needs
    /// `approve(escrow, deposit)` on the token first.
    /// @param payee Who may settle and close; not zero.
    /// @param token The ERC-20 token; must have code.
    /// @param deposit Base units to deposit; not zero, at most `MAX_DEPOSIT`.
    /// @param salt Any value not used before with the same parties, token and signer.
    /// @param authorizedSigner Who will sign vouchers; zero means the caller.
    /// @return channelId The channel's id, see `computeChannelId`.
    function open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner)
        external
        returns (bytes32 channelId);

    /// @notice Adds to the deposit. Payer only. Takes a pending request to close back.
    function topUp(bytes32 channelId, uint128 additionalDeposit) external;

    /// @notice Starts the grace period after which the payer may withdraw. Payer only. Asked again it changes nothing:
    /// the clock keeps running from the first request.
    function requestClose(bytes32 channelId) external;

    /// @notice Returns what the payee did not settle, once the grace period has passed, and finalizes the channel.
    /// Payer only.
    function withdraw(bytes32 channelId) external;

    // ------------------------------------------------------------------------------------------- The payee

    /// @notice Pays out a voucher: the difference to what was settled before. Payee only.
    /// @param cumulativeAmount Above what is settled, at most the deposit.
    /// @param signature Of the channel's signer over `getVoucherDigest(channelId, cumulativeAmount)`: 65 bytes
    /// `r ‖ s ‖ v` with low s and v of 27 or 28, or whatever a contract wallet (ERC-1271) accepts.
    function settle(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external;

    /// @notice Pays out many vouchers with one transfer. Payee only: channels of others are skipped. A voucher that
    /// `settle` would refuse is skipped with `SettlementSkipped` and does not disturb the rest. Several vouchers of one
    /// channel may be given, in growing order.
    /// @param token What the channels hold and the batch pays out; channels in another token are skipped.
    /// @return amount What was paid out in all.
    /// @return count How many vouchers settled.
    function settleBatch(address token, Settlement[] calldata settlements)
        external
        returns (uint256 amount, uint256 count);

    /// @notice Pays out the last voucher, returns the rest to the payer and finalizes the channel. Payee only.
    /// With a `cumulativeAmount` at or below what is settled the payee gives up anything further: nothing more is paid
    /// to it, and the signature is neither needed nor looked at.
    function close(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external;

    // ------------------------------------------------------------- Relayed: anyone may call, the payer has signed

    /// @notice Opens a channel with a deposit that `from` has signed away under EIP-3009; `from` becomes the payer.
    /// @param nonce Must be `computeOpenNonce(from, payee, token, salt, authorizedSigner)`: by it the payer's signature
    /// covers the channel's parameters, and nobody can use it to open another channel.
    /// @param signature Of `from` over `ReceiveWithAuthorization(from, escrow, deposit, validAfter, validBefore, nonce)`
    /// in the token's EIP-712 domain.
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
    ) external returns (bytes32 channelId);

    /// @notice Adds to a deposit with tokens that `from` has signed away under EIP-3009. `from` may be anybody; a refund
    /// still goes to the channel's payer. Only when `from` is the payer does it take a pending request to close back:
    /// otherwise a payee could keep a payer from ever leaving, for one base unit at a time.
    /// @param nonce Must be `computeTopUpNonce(channelId, additionalDeposit, from, topUpSalt)`.
    function topUpWithAuthorization(
        bytes32 channelId,
        uint128 additionalDeposit,
        address from,
        bytes32 topUpSalt,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    // ------------------------------------------------------------------------------------------------ Views

    /// @notice Seconds between `requestClose` and `withdraw`: 900.
    function CLOSE_GRACE_PERIOD() external view returns (uint64);

    /// @notice The most a channel can ever be given: 2^104 - 1, that is 2 * 10^13 tokens of 18 decimals.
    function MAX_DEPOSIT() external view returns (uint128);

    /// @notice Gas given to a contract wallet to check one signature: 300,000. A wallet that needs more cannot sign
    /// vouchers; one that burns it all cannot spoil a batch.
    function SIGNER_GAS() external view returns (uint256);

    /// @notice The state of a channel; all zero when there is none (a real channel's payer is never zero).
    function getChannel(bytes32 channelId) external view returns (Channel memory);

    /// @notice `keccak256(abi.encode(payer, payee, token, salt, authorizedSigner, escrow, chainId))`.
    function computeChannelId(
        address payer,
        address payee,
        address token,
        bytes32 salt,
        address authorizedSigner
    ) external view returns (bytes32);

    /// @notice The EIP-3009 nonce for `openWithAuthorization`:
    /// `keccak256(abi.encode(from, payee, token, salt, authorizedSigner))`.
    function computeOpenNonce(
        address from,
        address payee,
        address token,
        bytes32 salt,
        address authorizedSigner
    ) external pure returns (bytes32);

    /// @notice The EIP-3009 nonce for `topUpWithAuthorization`:
    /// `keccak256(abi.encode(channelId, additionalDeposit, from, topUpSalt))`.
    function computeTopUpNonce(bytes32 channelId, uint128 additionalDeposit, address from, bytes32 topUpSalt)
        external
        pure
        returns (bytes32);

    /// @notice What a voucher's signer signs: the EIP-712 digest of
    /// `Voucher(bytes32 channelId,uint128 cumulativeAmount)` in this contract's domain.
    function getVoucherDigest(bytes32 channelId, uint128 cumulativeAmount) external view returns (bytes32);

    /// @notice The EIP-712 domain separator: name "EVM Payment Channel", version "1", this chain, this contract.
    function domainSeparator() external view returns (bytes32);
}
