// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelEscrow} from "../interfaces/IChannelEscrow.sol";

/// @title ChannelStore
/// @notice What the escrow remembers of its channels, and where. Who may change it is decided elsewhere. Nothing is
/// ever deleted.
/// @dev The terms of a channel never change, and its id leads to them. Its state changes, and lies where its id, payee,
/// token and signer lead together. Only `_create` writes where nothing was; so whoever finds a deposit at such a place
/// knows the channel's payee, token and signer without having read its terms. A batch relies on this: it looks where
/// the state lies if the voucher is good, and touches one cold slot a voucher where it would touch four.
abstract contract ChannelStore is IChannelEscrow {
    /// @dev Written at open. Three addresses in two slots: the token is cut in two.
    struct Terms {
        // slot 0
        address payer; //    20 bytes; not zero means the channel exists
        uint96 tokenHead; // 12 bytes; the token's first
        // slot 1
        address payee; //    20 bytes
        uint64 tokenTail; //  8 bytes; the token's last
        bool delegated; //    1 byte; there is an entry in _delegates. Spares everybody else the cold read of a zero
    }

    /// @dev The only slot that is written after open.
    struct State {
        // slot 0
        uint104 deposit; //          13 bytes; only grows
        uint104 settled; //          13 bytes; only grows, at most deposit
        uint40 closeRequestedAt; //   5 bytes
        bool finalized; //            1 byte; sticky
    }

    /// @dev Terms as they are worked with.
    struct Parties {
        address payer;
        address payee;
        address token;
        address authorizedSigner; // zero when the payer signs itself
    }

    /// @inheritdoc IChannelEscrow
    uint128 public constant MAX_DEPOSIT = type(uint104).max;

    mapping(bytes32 channelId => Terms) private _terms;
    mapping(bytes32 channelId => address) private _delegates;

    // ------------------------------------------------------------------------------------------ Write and read

    /// @dev For an id that is new, and a payer that is not zero: then no signer is zero, and what a failed recovery
    /// leads to stays empty.
    function _create(bytes32 channelId, Parties memory parties, uint128 deposit) internal {
        uint160 token = uint160(parties.token);
        bool delegated = parties.authorizedSigner != address(0);
        _terms[channelId] = Terms(parties.payer, uint96(token >> 64), parties.payee, uint64(token), delegated);
        if (delegated) _delegates[channelId] = parties.authorizedSigner;
        _stateAt(channelId, parties.payee, parties.token, _signer(parties)).deposit = uint104(deposit);
    }

    /// @dev Of an unknown channel the payer is zero, and so is everything else.
    function _load(bytes32 channelId) internal view returns (Parties memory parties, State storage state) {
        Terms storage terms = _terms[channelId];
        // Read at once, for the compiler to load each slot once.
        (parties.payer, parties.payee) = (terms.payer, terms.payee);
        (uint160 head, uint160 tail, bool delegated) = (terms.tokenHead, terms.tokenTail, terms.delegated);
        parties.token = address((head << 64) | tail);
        if (delegated) parties.authorizedSigner = _delegates[channelId];
        state = _stateAt(channelId, parties.payee, parties.token, _signer(parties));
    }

    function _exists(bytes32 channelId) internal view returns (bool) {
        return _terms[channelId].payer != address(0);
    }

    /// @dev Where the channel's state lies if these are its payee, token and signer; empty when they are not. The slot
    /// is `keccak256(abi.encodePacked(channelId, payee, token, signer))`, of 92 bytes; those of the mappings are hashes
    /// of 64, so that the two never meet. Each word overwrites the zeros that follow the address before it.
    function _stateAt(bytes32 channelId, address payee, address token, address signer)
        internal
        pure
        returns (State storage state)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, channelId)
            mstore(add(free, 0x20), shl(96, payee))
            mstore(add(free, 0x34), shl(96, token))
            mstore(add(free, 0x48), shl(96, signer))
            state.slot := keccak256(free, 0x5c)
        }
    }

    function _signer(Parties memory parties) internal pure returns (address) {
        return parties.authorizedSigner == address(0) ? parties.payer : parties.authorizedSigner;
    }

    // -------------------------------------------------------------------------------------------------- Views

    /// @inheritdoc IChannelEscrow
    function getChannel(bytes32 channelId) external view returns (Channel memory) {
        (Parties memory parties, State storage state) = _load(channelId);
        return Channel({
            payer: parties.payer,
            payee: parties.payee,
            token: parties.token,
            authorizedSigner: parties.authorizedSigner,
            deposit: state.deposit,
            settled: state.settled,
            closeRequestedAt: state.closeRequestedAt,
            finalized: state.finalized
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
}
