// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {HostileWallet} from "../../contracts/test/HostileWallets.sol";
import {TestWallet} from "../../contracts/test/TestWallet.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";

contract SettleTest is EscrowTest {
    function test_RevertGiven_NoChannel() public {
        expectError(IChannelEscrow.ChannelNotFound.selector, SALT);
        settleAs(payee, SALT, 1, "");
    }

    function test_RevertGiven_Finalized() public {
        bytes32 id = openAndClose();
        bytes memory signature = voucher(PAYER_KEY, id, DEPOSIT);
        expectError(IChannelEscrow.ChannelFinalized.selector, id);
        settleAs(payee, id, DEPOSIT, signature);
    }

    function test_RevertWhen_CallerIsNotPayee() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, 1);
        expectError(IChannelEscrow.NotPayee.selector, id, payer, payee);
        settleAs(payer, id, 1, signature);
    }

    function test_RevertWhen_AmountNotIncreasing() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, 7);
        settleAs(payee, id, 7, signature);
        expectError(IChannelEscrow.AmountNotIncreasing.selector, id, 7, 7);
        settleAs(payee, id, 7, signature);
    }

    function test_RevertWhen_AmountExceedsDeposit() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, DEPOSIT + 1);
        expectError(IChannelEscrow.AmountExceedsDeposit.selector, id, DEPOSIT + 1, DEPOSIT);
        settleAs(payee, id, DEPOSIT + 1, signature);
    }

    function test_RevertWhen_AnotherKeySigned() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(OTHER_KEY, id, 1);
        expectInvalidSignature(id, payer, 1);
        settleAs(payee, id, 1, signature);
    }

    function test_RevertWhen_PayerSignedForDelegate() public {
        bytes32 id = openDelegated();
        bytes memory signature = voucher(PAYER_KEY, id, 1);
        expectInvalidSignature(id, signer, 1);
        settleAs(payee, id, 1, signature);
    }

    function testFuzz_RevertWhen_AnotherVoucherSigned(bytes32 otherId, uint128 otherAmount) public {
        bytes32 id = openDefault();
        vm.assume(otherId != id || otherAmount != 5);
        bytes memory signature = voucher(PAYER_KEY, otherId, otherAmount);
        expectInvalidSignature(id, payer, 5);
        settleAs(payee, id, 5, signature);
    }

    function testFuzz_RevertWhen_NotASignature(bytes calldata junk) public {
        bytes32 id = openDefault();
        expectInvalidSignature(id, payer, 5);
        settleAs(payee, id, 5, junk);
    }

    function test_RevertWhen_WalletDoesNotConfirm() public {
        for (uint8 mode = 0; mode <= uint8(type(HostileWallet.Mode).max); ++mode) {
            address wallet = address(new HostileWallet(HostileWallet.Mode(mode)));
            bytes32 id = openAs(payer, payee, address(token), 10, SALT, wallet);
            bytes memory signature = voucher(PAYER_KEY, id, 1);
            expectInvalidSignature(id, wallet, 1);
            settleAs(payee, id, 1, signature);
        }
    }

    function test_RevertWhen_TooLittleGasForWallet() public {
        TestWallet wallet = new TestWallet(other);
        bytes32 id = openAs(payer, payee, address(token), 10, SALT, address(wallet));
        bytes memory signature = voucher(OTHER_KEY, id, 1);
        vm.prank(payee);
        (bool ok, bytes memory answer) = address(escrow).call{gas: 250_000}(
            abi.encodeCall(IChannelEscrow.settle, (id, 1, signature))
        );
        assertTrue(!ok && bytes4(answer) == IChannelEscrow.InsufficientGas.selector, "InsufficientGas");
    }

    function test_Settle() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, 7);
        expectEvent();
        emit IChannelEscrow.ChannelSettled(id, payee, 7, 7);
        settleAs(payee, id, 7, signature);
        signature = voucher(PAYER_KEY, id, 10);
        expectEvent();
        emit IChannelEscrow.ChannelSettled(id, payee, 10, 3);
        settleAs(payee, id, 10, signature);
        assertEq(get(id).settled, 10, "settled");
        assertEq(get(id).deposit, DEPOSIT, "deposit");
        assertEq(token.balanceOf(payee), 10, "paid");
        assertEq(token.balanceOf(address(escrow)), DEPOSIT - 10, "held");
    }

    function test_Settle_Delegated() public {
        bytes32 id = openDelegated();
        bytes memory signature = voucher(SIGNER_KEY, id, 1);
        settleAs(payee, id, 1, signature);
        assertEq(token.balanceOf(payee), 1, "paid");
    }

    function test_Settle_ContractWallet() public {
        TestWallet wallet = new TestWallet(other);
        bytes32 id = openAs(payer, payee, address(token), DEPOSIT, SALT, address(wallet));
        bytes memory signature = voucher(OTHER_KEY, id, 1);
        settleAs(payee, id, 1, signature);
        assertEq(token.balanceOf(payee), 1, "paid");
    }

    function test_Settle_WhileClosing() public {
        bytes32 id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        vm.warp(START + 5000);
        bytes memory signature = voucher(PAYER_KEY, id, 1);
        settleAs(payee, id, 1, signature);
        assertEq(get(id).closeRequestedAt, START, "request stands");
        assertEq(token.balanceOf(payee), 1, "paid");
    }

    function testFuzz_Settle_Cumulative(uint128 deposit, uint128[5] calldata amounts) public {
        deposit = uint128(bound(deposit, 1, MAX));
        fund(other, deposit);
        bytes32 id = openAs(other, payee, address(token), deposit, SALT, address(0));
        uint128 highest;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint128 amount = uint128(bound(amounts[i], 0, deposit));
            bytes memory signature = voucher(OTHER_KEY, id, amount);
            if (amount <= highest) expectError(IChannelEscrow.AmountNotIncreasing.selector, id, amount, highest);
            else highest = amount;
            settleAs(payee, id, amount, signature);
            assertEq(token.balanceOf(payee), highest, "paid in all");
            assertEq(get(id).settled, highest, "settled");
        }
    }
}
