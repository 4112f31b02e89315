// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {FalseToken} from "../../contracts/test/HostileTokens.sol";
import {HostileWallet} from "../../contracts/test/HostileWallets.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {TestWallet} from "../../contracts/test/TestWallet.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";
import {Vm} from "./utils/Vm.sol";

contract SettleBatchTest is EscrowTest {
    IChannelEscrow.Settlement[] private batch;

    function openNth(uint256 n) private returns (bytes32) {
        return openAs(payer, payee, address(token), 1000, bytes32(n), address(0));
    }

    function add(bytes32 id, uint128 amount, bytes memory signature) private {
        batch.push(IChannelEscrow.Settlement(id, amount, signature));
    }

    function addGood(bytes32 id, uint128 amount) private {
        add(id, amount, voucher(PAYER_KEY, id, amount));
    }

    function send() private returns (uint256 amount, uint256 count) {
        return sendIn(address(token));
    }

    function sendIn(address token_) private returns (uint256 amount, uint256 count) {
        vm.prank(payee);
        return escrow.settleBatch(token_, batch);
    }

    /// @dev A channel of the same payee in another token.
    function openInAnotherToken() private returns (bytes32 id, TestToken second) {
        second = new TestToken("Second", "TWO", "1", 18);
        second.mint(payer, 1000);
        vm.prank(payer);
        second.approve(address(escrow), 1000);
        id = openAs(payer, payee, address(second), 1000, SALT, address(0));
    }

    /// @dev Sends the bad voucher between two good ones, and expects those two to settle.
    function expectSkip(bytes32 id, uint128 amount, bytes memory signature, bytes4 reason) private {
        addGood(openNth(1001), 100);
        add(id, amount, signature);
        addGood(openNth(1002), 10);
        uint256 before = token.balanceOf(payee);
        expectEvent();
        emit IChannelEscrow.SettlementSkipped(id, payee, amount, reason);
        (uint256 paid, uint256 count) = send();
        assertEq(paid, 110, "amount");
        assertEq(count, 2, "count");
        assertEq(token.balanceOf(payee) - before, 110, "paid");
    }

    function test_SettleBatch_Empty() public {
        vm.recordLogs();
        (uint256 amount, uint256 count) = send();
        assertEq(amount + count + vm.getRecordedLogs().length, 0, "nothing");
    }

    function test_Skip_NoChannel() public {
        expectSkip(SALT, 5, voucher(PAYER_KEY, SALT, 5), IChannelEscrow.ChannelNotFound.selector);
    }

    function test_Skip_Finalized() public {
        bytes32 id = openAndClose();
        expectSkip(id, DEPOSIT, voucher(PAYER_KEY, id, DEPOSIT), IChannelEscrow.ChannelFinalized.selector);
    }

    function test_Skip_AnotherPayee() public {
        bytes32 id = openAs(payer, other, address(token), 1000, SALT, address(0));
        expectSkip(id, 5, voucher(PAYER_KEY, id, 5), IChannelEscrow.NotPayee.selector);
    }

    function test_Skip_AnotherToken() public {
        (bytes32 id, TestToken second) = openInAnotherToken();
        expectSkip(id, 5, voucher(PAYER_KEY, id, 5), IChannelEscrow.TokenMismatch.selector);
        assertEq(second.balanceOf(payee), 0, "second token stays");
    }

    function test_Skip_AmountNotIncreasing() public {
        bytes32 id = openNth(1);
        bytes memory signature = voucher(PAYER_KEY, id, 5);
        settleAs(payee, id, 5, signature);
        expectSkip(id, 5, signature, IChannelEscrow.AmountNotIncreasing.selector);
    }

    function test_Skip_AmountExceedsDeposit() public {
        bytes32 id = openNth(1);
        expectSkip(id, 1001, voucher(PAYER_KEY, id, 1001), IChannelEscrow.AmountExceedsDeposit.selector);
    }

    function test_Skip_InvalidSignature() public {
        bytes32 id = openNth(1);
        expectSkip(id, 5, voucher(OTHER_KEY, id, 5), IChannelEscrow.InvalidSignature.selector);
    }

    function test_Skip_PayerSignedForDelegate() public {
        bytes32 id = openDelegated();
        expectSkip(id, 5, voucher(PAYER_KEY, id, 5), IChannelEscrow.InvalidSignature.selector);
    }

    function test_Skip_HighS() public {
        bytes32 id = openNth(1);
        bytes memory signature = highS(PAYER_KEY, escrow.getVoucherDigest(id, 5));
        expectSkip(id, 5, signature, IChannelEscrow.InvalidSignature.selector);
    }

    function test_Skip_HostileWallets() public {
        uint8 modes = uint8(type(HostileWallet.Mode).max) + 1;
        for (uint8 mode = 0; mode < modes; ++mode) {
            address wallet = address(new HostileWallet(HostileWallet.Mode(mode)));
            bytes32 id = openAs(payer, payee, address(token), 1000, SALT, wallet);
            add(id, 5, voucher(PAYER_KEY, id, 5));
            addGood(openNth(mode), 10);
        }
        vm.recordLogs();
        uint256 gas = gasleft();
        (uint256 paid, uint256 count) = send();
        gas -= gasleft();
        assertEq(paid, 10 * uint256(modes), "amount");
        assertEq(count, modes, "count");
        assertTrue(gas < modes * (escrow.SIGNER_GAS() + 100_000), "gas is bounded");
        uint256 skipped;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IChannelEscrow.SettlementSkipped.selector) continue;
            (, bytes4 reason) = abi.decode(logs[i].data, (uint128, bytes4));
            assertTrue(reason == IChannelEscrow.InvalidSignature.selector, "reason");
            ++skipped;
        }
        assertEq(skipped, modes, "skipped");
    }

    function test_SettleBatch_InAnotherToken() public {
        (bytes32 id, TestToken second) = openInAnotherToken();
        addGood(openNth(1), 10);
        addGood(id, 5);
        (uint256 paid, uint256 count) = sendIn(address(second));
        assertEq(paid, 5, "amount");
        assertEq(count, 1, "count");
        assertEq(second.balanceOf(payee), 5, "second token paid");
        assertEq(token.balanceOf(payee), 0, "first token stays");
    }

    function test_SettleBatch_InNoToken() public {
        addGood(openNth(1), 10);
        (uint256 paid, uint256 count) = sendIn(address(0xDEAD));
        assertEq(paid + count, 0, "nothing");
    }

    function test_SettleBatch_AllBad() public {
        bytes32 id = openNth(1);
        add(id, 5, voucher(OTHER_KEY, id, 5));
        add(SALT, 5, "");
        vm.recordLogs();
        (uint256 amount, uint256 count) = send();
        assertEq(amount + count, 0, "nothing");
        assertEq(vm.getRecordedLogs().length, 2, "two skips, no payout");
    }

    function test_SettleBatch_SameChannelGrowing() public {
        bytes32 id = openNth(1);
        addGood(id, 5);
        addGood(id, 9);
        (uint256 amount, uint256 count) = send();
        assertEq(amount, 9, "amount");
        assertEq(count, 2, "count");
        assertEq(get(id).settled, 9, "settled");
    }

    function test_SettleBatch_SameChannelTwice() public {
        bytes32 id = openNth(1);
        addGood(id, 9);
        addGood(id, 9);
        (uint256 amount, uint256 count) = send();
        assertEq(amount, 9, "amount");
        assertEq(count, 1, "count");
    }

    function test_RevertWhen_TooLittleGasForWallet() public {
        address wallet = address(new TestWallet(other));
        bytes32 id = openAs(payer, payee, address(token), 10, SALT, wallet);
        addGood(openNth(1), 5);
        add(id, 1, voucher(OTHER_KEY, id, 1));
        bytes memory call = abi.encodeCall(IChannelEscrow.settleBatch, (address(token), batch));
        vm.prank(payee);
        (bool ok, bytes memory answer) = address(escrow).call{gas: 300_000}(call);
        assertTrue(!ok && bytes4(answer) == IChannelEscrow.InsufficientGas.selector, "InsufficientGas");
    }

    function test_RevertWhen_PayoutFails() public {
        FalseToken lazy = new FalseToken();
        lazy.mint(payer, 10);
        vm.prank(payer);
        lazy.approve(address(escrow), 10);
        bytes32 id = openAs(payer, payee, address(lazy), 10, SALT, address(0));
        lazy.fail(true);
        addGood(id, 5);
        vm.expectRevert();
        sendIn(address(lazy));
        assertEq(get(id).settled, 0, "nothing recorded");
    }

    function test_SettleBatch() public {
        bytes32 first = openNth(1);
        bytes32 second = openNth(2);
        addGood(first, 100);
        addGood(second, 10);
        vm.recordLogs();
        (uint256 amount, uint256 count) = send();
        assertEq(amount, 110, "amount");
        assertEq(count, 2, "count");
        assertEq(get(first).settled, 100, "first");
        assertEq(get(second).settled, 10, "second");
        assertEq(token.balanceOf(payee), 110, "paid");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 4, "two settlements, one total, one transfer");
        assertEq(logs[0].topics[0], IChannelEscrow.ChannelSettled.selector, "first event");
        assertEq(logs[0].topics[1], first, "of the first channel");
        assertEq(logs[1].topics[0], IChannelEscrow.ChannelSettled.selector, "second event");
        assertEq(logs[2].topics[0], IChannelEscrow.BatchSettled.selector, "total");
        assertEq(keccak256(logs[2].data), keccak256(abi.encode(110, 2)), "total's data");
        assertEq(logs[3].topics[0], keccak256("Transfer(address,address,uint256)"), "transfer");
        assertEq(logs[3].emitter, address(token), "of the token");
    }

    function test_SettleBatch_Delegated() public {
        bytes32 id = openDelegated();
        add(id, 5, voucher(SIGNER_KEY, id, 5));
        (uint256 amount, uint256 count) = send();
        assertEq(amount, 5, "amount");
        assertEq(count, 1, "count");
        assertEq(get(id).settled, 5, "settled");
    }

    function test_SettleBatch_ContractWallet() public {
        bytes32 id = openAs(payer, payee, address(token), 10, SALT, address(new TestWallet(other)));
        add(id, 5, voucher(OTHER_KEY, id, 5));
        addGood(openNth(1), 7);
        (uint256 amount, uint256 count) = send();
        assertEq(amount, 12, "amount");
        assertEq(count, 2, "count");
        assertEq(get(id).settled, 5, "settled");
    }

    function test_SettleBatch_WhileClosing() public {
        bytes32 id = openNth(1);
        vm.prank(payer);
        escrow.requestClose(id);
        addGood(id, 5);
        send();
        assertEq(get(id).settled, 5, "settled");
        assertEq(get(id).closeRequestedAt, START, "request stands");
    }

    /// The batch looks in a place of its own; whatever it finds there, `settle` must come to the same.
    function testFuzz_SettleBatch_AgreesWithSettle(uint8 signer_, uint8 key, uint8 history, uint16 amount) public {
        address[4] memory signers = [address(0), signer, other, address(new TestWallet(other))];
        uint256[4] memory keys = [PAYER_KEY, SIGNER_KEY, OTHER_KEY, OTHER_KEY];
        bytes32 id = openAs(payer, payee, address(token), 1000, SALT, signers[signer_ % 4]);
        bytes memory earlier = voucher(keys[signer_ % 4], id, 500);
        if (history % 4 == 1) settleAs(payee, id, 500, earlier);
        if (history % 4 == 2) {
            vm.prank(payee);
            escrow.close(id, 500, earlier);
        }
        address caller = history % 4 == 3 ? payer : payee;
        amount %= 1100;
        bytes memory signature = voucher(keys[key % 3], id, amount);
        uint256 before = vm.snapshotState();
        vm.prank(caller);
        (bool settles,) = address(escrow).call(abi.encodeCall(escrow.settle, (id, amount, signature)));
        bytes memory expected = abi.encode(get(id));
        vm.revertToState(before);
        add(id, amount, signature);
        vm.prank(caller);
        (, uint256 count) = escrow.settleBatch(address(token), batch);
        assertEq(count, settles ? 1 : 0, "count");
        assertEq(keccak256(abi.encode(get(id))), keccak256(expected), "the same state");
    }

    function testFuzz_SettleBatch_SameAsOneByOne(uint16[8] calldata amounts, uint8 wrongKeys) public {
        bytes32[8] memory ids;
        uint256 expected;
        for (uint256 i = 0; i < 8; ++i) {
            ids[i] = i % 3 == 2 ? ids[i - 2] : openNth(i); // every third is an earlier one again
            uint128 amount = uint128(amounts[i]) % 1200;
            uint256 key = (wrongKeys >> i) & 1 == 1 ? OTHER_KEY : PAYER_KEY;
            add(ids[i], amount, voucher(key, ids[i], amount));
        }
        expected = oneByOne();
        (uint256 amount_,) = send();
        assertEq(amount_, expected, "amount");
        assertEq(token.balanceOf(payee), expected, "paid");
    }

    /// @dev What `settle` would pay for each of the batch, computed from its rules.
    function oneByOne() private view returns (uint256 total) {
        bytes32[] memory ids = new bytes32[](batch.length);
        uint128[] memory settled = new uint128[](batch.length);
        for (uint256 i = 0; i < batch.length; ++i) {
            uint256 at = 0;
            while (ids[at] != 0 && ids[at] != batch[i].channelId) ++at;
            ids[at] = batch[i].channelId;
            uint128 amount = batch[i].cumulativeAmount;
            bool good = keccak256(batch[i].signature) == keccak256(voucher(PAYER_KEY, ids[at], amount));
            if (!good || amount <= settled[at] || amount > 1000) continue;
            total += amount - settled[at];
            settled[at] = amount;
        }
    }
}
