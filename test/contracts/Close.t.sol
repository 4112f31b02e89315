// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";

contract CloseTest is EscrowTest {
    function closeAs(address caller, bytes32 id, uint128 amount, bytes memory signature) private {
        vm.prank(caller);
        escrow.close(id, amount, signature);
    }

    function test_RevertGiven_NoChannel() public {
        expectError(IChannelEscrow.ChannelNotFound.selector, SALT);
        closeAs(payee, SALT, 0, "");
    }

    function test_RevertGiven_Finalized() public {
        bytes32 id = openAndClose();
        expectError(IChannelEscrow.ChannelFinalized.selector, id);
        closeAs(payee, id, 0, "");
    }

    function test_RevertWhen_CallerIsNotPayee() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, 1);
        expectError(IChannelEscrow.NotPayee.selector, id, payer, payee);
        closeAs(payer, id, 1, signature);
    }

    function test_RevertWhen_ForfeiterIsNotPayee() public {
        bytes32 id = openDefault();
        expectError(IChannelEscrow.NotPayee.selector, id, payer, payee);
        closeAs(payer, id, 0, "");
    }

    function test_RevertWhen_AmountExceedsDeposit() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, DEPOSIT + 1);
        expectError(IChannelEscrow.AmountExceedsDeposit.selector, id, DEPOSIT + 1, DEPOSIT);
        closeAs(payee, id, DEPOSIT + 1, signature);
    }

    function test_RevertWhen_SignatureIsBad() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(OTHER_KEY, id, 1);
        expectInvalidSignature(id, payer, 1);
        closeAs(payee, id, 1, signature);
    }

    function test_Close_WholeDeposit() public {
        bytes32 id = openDefault();
        uint256 before = token.balanceOf(payer);
        bytes memory signature = voucher(PAYER_KEY, id, DEPOSIT);
        closeAs(payee, id, DEPOSIT, signature);
        assertEq(token.balanceOf(payee), DEPOSIT, "paid");
        assertEq(token.balanceOf(payer), before, "no refund");
        assertTrue(get(id).finalized, "finalized");
    }

    function test_Close() public {
        bytes32 id = openDefault();
        uint256 before = token.balanceOf(payer);
        bytes memory signature = voucher(PAYER_KEY, id, 3);
        settleAs(payee, id, 3, signature);
        signature = voucher(PAYER_KEY, id, 10);
        expectEvent();
        emit IChannelEscrow.ChannelSettled(id, payee, 10, 7);
        expectEvent();
        emit IChannelEscrow.ChannelClosed(id, payee, payer, 10, DEPOSIT - 10);
        closeAs(payee, id, 10, signature);
        assertEq(token.balanceOf(payee), 10, "paid");
        assertEq(token.balanceOf(payer), before + DEPOSIT - 10, "refunded");
        assertEq(token.balanceOf(address(escrow)), 0, "held");
        IChannelEscrow.Channel memory channel = get(id);
        assertTrue(channel.finalized, "finalized");
        assertEq(channel.settled, 10, "settled");
        assertEq(channel.deposit, DEPOSIT, "deposit stays on record");
        assertEq(channel.payer, payer, "payer stays on record");
    }

    function test_Close_Forfeit() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, 3);
        settleAs(payee, id, 3, signature);
        uint256 before = token.balanceOf(payer);
        expectEvent();
        emit IChannelEscrow.ChannelClosed(id, payee, payer, 3, DEPOSIT - 3);
        closeAs(payee, id, 3, "");
        assertEq(token.balanceOf(payee), 3, "paid no more");
        assertEq(token.balanceOf(payer), before + DEPOSIT - 3, "refunded");
    }

    function test_Close_ForfeitWithJunk() public {
        bytes32 id = openDefault();
        closeAs(payee, id, 0, hex"deadbeef");
        assertTrue(get(id).finalized, "finalized");
        assertEq(token.balanceOf(payee), 0, "paid nothing");
    }

    function test_Close_WhileClosing() public {
        bytes32 id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        vm.warp(START + 10_000);
        bytes memory signature = voucher(PAYER_KEY, id, 10);
        closeAs(payee, id, 10, signature);
        assertEq(token.balanceOf(payee), 10, "paid");
    }
}
