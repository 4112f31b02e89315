// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";

contract RequestCloseTest is EscrowTest {
    function requestAs(address caller, bytes32 id) private {
        vm.prank(caller);
        escrow.requestClose(id);
    }

    function test_RevertGiven_NoChannel() public {
        expectError(IChannelEscrow.ChannelNotFound.selector, SALT);
        requestAs(payer, SALT);
    }

    function test_RevertGiven_Finalized() public {
        bytes32 id = openAndClose();
        expectError(IChannelEscrow.ChannelFinalized.selector, id);
        requestAs(payer, id);
    }

    function test_RevertWhen_CallerIsNotPayer() public {
        bytes32 id = openDelegated();
        expectError(IChannelEscrow.NotPayer.selector, id, signer, payer);
        requestAs(signer, id);
    }

    function test_RequestClose() public {
        bytes32 id = openDefault();
        expectEvent();
        emit IChannelEscrow.CloseRequested(id, payee, payer, uint64(START + 900));
        requestAs(payer, id);
        assertEq(get(id).closeRequestedAt, START, "clock");
    }

    function test_RequestClose_Again() public {
        bytes32 id = openDefault();
        requestAs(payer, id);
        vm.warp(START + 899);
        vm.recordLogs();
        requestAs(payer, id);
        assertEq(vm.getRecordedLogs().length, 0, "no event");
        assertEq(get(id).closeRequestedAt, START, "clock");
    }
}
