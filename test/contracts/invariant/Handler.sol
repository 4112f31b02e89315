// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelEscrow} from "../../../contracts/ChannelEscrow.sol";
import {IChannelEscrow} from "../../../contracts/interfaces/IChannelEscrow.sol";
import {TestToken} from "../../../contracts/test/TestToken.sol";
import {Test} from "../utils/Test.sol";

/// @dev Acts as three payers and two payees with two tokens, always within the rules (a call that would be refused is
/// not made), and keeps its own books beside the escrow's. A revert is a failure: the rules were not as thought.
contract Handler is Test {
    ChannelEscrow public immutable escrow;
    TestToken[2] public tokens;
    bytes32[] public ids;

    uint256[3] private _keys = [uint256(0xA1), 0xA2, 0xA3];
    address[2] private _payees = [address(0xB1), address(0xB2)];

    /// What went in and came out, per token, by our own count.
    mapping(address token => uint256) public deposited;
    mapping(address token => uint256) public paid;
    mapping(address token => uint256) public refunded;
    mapping(address token => uint256) public minted;

    /// The highest of each that was ever seen, per channel.
    mapping(bytes32 id => uint128) public highestDeposit;
    mapping(bytes32 id => uint128) public highestSettled;
    mapping(bytes32 id => bytes32) public finalState;
    mapping(bytes32 id => bool) public seenFinalized;
    mapping(bytes32 id => uint256) private _key;

    mapping(string => uint256) public calls;

    constructor(ChannelEscrow escrow_) {
        escrow = escrow_;
        tokens = [new TestToken("Six", "SIX", "2", 6), new TestToken("Eighteen", "18", "1", 18)];
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 t = 0; t < 2; ++t) {
                vm.prank(payer(i));
                tokens[t].approve(address(escrow_), type(uint256).max);
            }
        }
        open(0, 0, 0, 1_000_000, 0, false);
        open(1, 1, 1, 1 ether, 1, true);
    }

    // ---------------------------------------------------------------------------------------------- Actions

    function open(uint256 who, uint256 whom, uint256 which, uint128 deposit, uint8 salt, bool delegated) public {
        who %= 3;
        TestToken token = tokens[which % 2];
        deposit = uint128(bound(deposit, 1, type(uint96).max));
        address signer = delegated ? vm.addr(0x516) : address(0);
        address payee = _payees[whom % 2];
        bytes32 id = escrow.computeChannelId(payer(who), payee, address(token), bytes32(uint256(salt)), signer);
        if (escrow.getChannel(id).payer != address(0)) return;
        give(token, payer(who), deposit);
        vm.prank(payer(who));
        escrow.open(payee, address(token), deposit, bytes32(uint256(salt)), signer);
        ids.push(id);
        _key[id] = delegated ? 0x516 : _keys[who];
        deposited[address(token)] += deposit;
        look(id);
        ++calls["open"];
    }

    function topUp(uint256 seed, uint128 amount) external {
        (bytes32 id, IChannelEscrow.Channel memory channel) = pick(seed);
        if (channel.payer == address(0) || channel.finalized) return;
        amount = uint128(bound(amount, 1, type(uint96).max));
        give(TestToken(channel.token), channel.payer, amount);
        vm.prank(channel.payer);
        escrow.topUp(id, amount);
        deposited[channel.token] += amount;
        look(id);
        ++calls["topUp"];
    }

    function settle(uint256 seed, uint128 amount) external {
        (bytes32 id, IChannelEscrow.Channel memory channel) = pick(seed);
        if (channel.payer == address(0) || channel.finalized || channel.settled == channel.deposit) return;
        amount = uint128(bound(amount, channel.settled + 1, channel.deposit));
        bytes memory signature = sign(id, amount);
        vm.prank(channel.payee);
        escrow.settle(id, amount, signature);
        paid[channel.token] += amount - channel.settled;
        look(id);
        ++calls["settle"];
    }

    function settleBatch(uint256 seed, uint128[6] calldata amounts, bool poison) external {
        if (ids.length == 0) return;
        (, IChannelEscrow.Channel memory first) = pick(seed);
        IChannelEscrow.Settlement[] memory batch = new IChannelEscrow.Settlement[](6);
        for (uint256 i = 0; i < 6; ++i) {
            (bytes32 id, IChannelEscrow.Channel memory channel) = pick(after_(seed, i));
            uint128 amount = uint128(bound(amounts[i], 0, uint256(channel.deposit) + 2));
            batch[i] = IChannelEscrow.Settlement(id, amount, sign(id, amount));
            if (poison && i == 2) batch[i].signature = hex"00";
        }
        uint256[2] memory before = [tokens[0].balanceOf(first.payee), tokens[1].balanceOf(first.payee)];
        vm.prank(first.payee);
        (uint256 amountPaid,) = escrow.settleBatch(first.token, batch);
        uint256 moved;
        for (uint256 t = 0; t < 2; ++t) {
            uint256 got = tokens[t].balanceOf(first.payee) - before[t];
            paid[address(tokens[t])] += got;
            moved += got;
        }
        assertEq(moved, amountPaid, "a batch pays what it says");
        for (uint256 i = 0; i < 6; ++i) look(batch[i].channelId);
        ++calls["settleBatch"];
    }

    function close(uint256 seed, uint128 amount) external {
        (bytes32 id, IChannelEscrow.Channel memory channel) = pick(seed);
        if (channel.payer == address(0) || channel.finalized || seed % 4 != 0) return;
        amount = uint128(bound(amount, 0, channel.deposit));
        bytes memory signature = sign(id, amount);
        vm.prank(channel.payee);
        escrow.close(id, amount, signature);
        uint128 last = amount > channel.settled ? amount : channel.settled;
        paid[channel.token] += last - channel.settled;
        refunded[channel.token] += channel.deposit - last;
        look(id);
        ++calls["close"];
    }

    function requestClose(uint256 seed) external {
        (bytes32 id, IChannelEscrow.Channel memory channel) = pick(seed);
        if (channel.payer == address(0) || channel.finalized) return;
        vm.prank(channel.payer);
        escrow.requestClose(id);
        look(id);
        ++calls["requestClose"];
    }

    function withdraw(uint256 seed) external {
        (bytes32 id, IChannelEscrow.Channel memory channel) = pick(seed);
        if (channel.finalized || channel.closeRequestedAt == 0) return;
        vm.warp(uint256(channel.closeRequestedAt) + 900 + seed % 1000);
        vm.prank(channel.payer);
        escrow.withdraw(id);
        refunded[channel.token] += channel.deposit - channel.settled;
        look(id);
        ++calls["withdraw"];
    }

    /// @dev Tries what must never work, on channels of any state.
    function reopen(uint256 seed) external {
        (bytes32 id, IChannelEscrow.Channel memory channel) = pick(seed);
        if (channel.payer == address(0)) return;
        for (uint256 salt = 0; salt < 256; ++salt) {
            address signer = channel.authorizedSigner;
            bytes32 again =
                escrow.computeChannelId(channel.payer, channel.payee, channel.token, bytes32(salt), signer);
            if (again != id) continue;
            vm.prank(channel.payer);
            try escrow.open(channel.payee, channel.token, 1, bytes32(salt), signer) {
                revert NotTrue("a channel was opened twice");
            } catch {}
        }
        look(id);
    }

    // ---------------------------------------------------------------------------------------------- Helpers

    function payer(uint256 i) public view returns (address) {
        return vm.addr(_keys[i]);
    }

    function payee(uint256 i) external view returns (address) {
        return _payees[i];
    }

    function count() external view returns (uint256) {
        return ids.length;
    }

    function pick(uint256 seed) private view returns (bytes32 id, IChannelEscrow.Channel memory channel) {
        if (ids.length == 0) return (id, channel);
        id = ids[seed % ids.length];
        channel = escrow.getChannel(id);
    }

    function after_(uint256 seed, uint256 i) private pure returns (uint256) {
        unchecked {
            return seed + i;
        }
    }

    function sign(bytes32 id, uint128 amount) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key[id], escrow.getVoucherDigest(id, amount));
        return abi.encodePacked(r, s, v);
    }

    function give(TestToken token, address to, uint256 amount) private {
        token.mint(to, amount);
        minted[address(token)] += amount;
    }

    /// @dev Compares a channel with what was seen of it before, and remembers.
    function look(bytes32 id) private {
        IChannelEscrow.Channel memory channel = escrow.getChannel(id);
        assertTrue(channel.deposit >= highestDeposit[id], "deposit only grows");
        assertTrue(channel.settled >= highestSettled[id], "settled only grows");
        highestDeposit[id] = channel.deposit;
        highestSettled[id] = channel.settled;
        if (seenFinalized[id]) {
            assertEq(keccak256(abi.encode(channel)), finalState[id], "a finalized channel does not change");
        } else if (channel.finalized) {
            seenFinalized[id] = true;
            finalState[id] = keccak256(abi.encode(channel));
        }
    }
}
