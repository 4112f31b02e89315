// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";

contract WithdrawTest is EscrowTest {
    function withdrawAs(address caller, bytes32 id) private {
        vm.prank(caller);
        escrow.withdraw(id);
    }

    function openAndWait() private returns (bytes32 id) {
        id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        vm.warp(START + 900);
    }

    function test_RevertGiven_NoChannel() public {
        expectError(IChannelEscrow.ChannelNotFound.selector, SALT);
        withdrawAs(payer, SALT);
    }

    function test_RevertGiven_Closed() public {
        bytes32 id = openAndClose();
        expectError(IChannelEscrow.ChannelFinalized.selector, id);
        withdrawAs(payer, id);
    }

    function test_RevertGiven_Withdrawn() public {
        bytes32 id = openAndWait();
        withdrawAs(payer, id);
        expectError(IChannelEscrow.ChannelFinalized.selector, id);
        withdrawAs(payer, id);
    }

    function test_RevertWhen_CallerIsNotPayer() public {
        bytes32 id = openAndWait();
        expectError(IChannelEscrow.NotPayer.selector, id, payee, payer);
        withdrawAs(payee, id);
    }

    function test_RevertGiven_NoCloseRequested() public {
        bytes32 id = openDefault();
        vm.warp(START + 1_000_000);
        expectError(IChannelEscrow.CloseNotReady.selector, id, START + 1_000_000, 0);
        withdrawAs(payer, id);
    }

    function test_RevertGiven_GracePeriod() public {
        bytes32 id = openAndWait();
        vm.warp(START + 899);
        expectError(IChannelEscrow.CloseNotReady.selector, id, START + 899, START + 900);
        withdrawAs(payer, id);
        assertEq(escrow.CLOSE_GRACE_PERIOD(), 900, "grace period");
    }

    function test_Withdraw() public {
        bytes32 id = openAndWait();
        uint256 before = token.balanceOf(payer);
        expectEvent();
        emit IChannelEscrow.ChannelWithdrawn(id, payee, payer, 0, DEPOSIT);
        withdrawAs(payer, id);
        assertEq(token.balanceOf(payer), before + DEPOSIT, "refunded");
        assertEq(token.balanceOf(address(escrow)), 0, "held");
        assertTrue(get(id).finalized, "finalized");
        assertEq(get(id).deposit, DEPOSIT, "deposit stays on record");
    }

    function test_Withdraw_AfterSettlement() public {
        bytes32 id = openAndWait();
        bytes memory signature = voucher(PAYER_KEY, id, 10);
        settleAs(payee, id, 10, signature);
        uint256 before = token.balanceOf(payer);
        withdrawAs(payer, id);
        assertEq(token.balanceOf(payer), before + DEPOSIT - 10, "refunded");
    }

    function test_Withdraw_Nothing() public {
        bytes32 id = openAndWait();
        bytes memory signature = voucher(PAYER_KEY, id, DEPOSIT);
        settleAs(payee, id, DEPOSIT, signature);
        vm.recordLogs();
        withdrawAs(payer, id);
        assertEq(vm.getRecordedLogs().length, 1, "no transfer");
        assertTrue(get(id).finalized, "finalized");
    }
}
