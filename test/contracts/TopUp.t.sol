// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {FeeToken} from "../../contracts/test/HostileTokens.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";

contract TopUpTest is EscrowTest {
    function topUpAs(address caller, bytes32 id, uint128 amount) private {
        vm.prank(caller);
        escrow.topUp(id, amount);
    }

    function test_RevertGiven_NoChannel() public {
        expectError(IChannelEscrow.ChannelNotFound.selector, SALT);
        topUpAs(payer, SALT, 1);
    }

    function test_RevertGiven_Finalized() public {
        bytes32 id = openAndClose();
        expectError(IChannelEscrow.ChannelFinalized.selector, id);
        topUpAs(payer, id, 1);
    }

    function test_RevertWhen_CallerIsNotPayer() public {
        bytes32 id = openDefault();
        expectError(IChannelEscrow.NotPayer.selector, id, payee, payer);
        topUpAs(payee, id, 1);
    }

    function test_RevertWhen_AmountIsZero() public {
        bytes32 id = openDefault();
        expectError(IChannelEscrow.ZeroDeposit.selector);
        topUpAs(payer, id, 0);
    }

    function test_RevertWhen_DepositOverflows() public {
        bytes32 id = openDefault();
        expectError(IChannelEscrow.DepositOverflow.selector, id, DEPOSIT, MAX - DEPOSIT + 1);
        topUpAs(payer, id, MAX - DEPOSIT + 1);
        fund(payer, MAX - DEPOSIT);
        topUpAs(payer, id, MAX - DEPOSIT);
        assertEq(get(id).deposit, MAX, "the last unit that fits");
    }

    function test_RevertWhen_TokenTakesFee() public {
        bytes32 id = openDefault();
        vm.etch(address(token), address(new FeeToken()).code);
        vm.expectRevert();
        topUpAs(payer, id, 1000);
        assertEq(get(id).deposit, DEPOSIT, "deposit as before");
    }

    function test_TopUp() public {
        bytes32 id = openDefault();
        expectEvent();
        emit IChannelEscrow.ChannelToppedUp(id, payer, 5, DEPOSIT + 5);
        topUpAs(payer, id, 5);
        assertEq(get(id).deposit, DEPOSIT + 5, "deposit");
        assertEq(token.balanceOf(address(escrow)), DEPOSIT + 5, "held");
    }

    function test_TopUp_CancelsClose() public {
        bytes32 id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        expectEvent();
        emit IChannelEscrow.CloseRequestCancelled(id, payee, payer);
        topUpAs(payer, id, 1);
        assertEq(get(id).closeRequestedAt, 0, "closeRequestedAt");
        vm.warp(START + 900);
        expectError(IChannelEscrow.CloseNotReady.selector, id, START + 900, 0);
        vm.prank(payer);
        escrow.withdraw(id);
    }
}
