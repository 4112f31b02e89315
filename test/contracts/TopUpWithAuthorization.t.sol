// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";

contract TopUpWithAuthorizationTest is EscrowTest {
    bytes32 private constant TOP_UP_SALT = keccak256("top-up salt");

    function topUpFrom(uint256 key, bytes32 id, uint128 amount) private {
        address from = vm.addr(key);
        bytes32 nonce = escrow.computeTopUpNonce(id, amount, from, TOP_UP_SALT);
        bytes memory signature = authorization(key, amount, nonce);
        vm.prank(payee);
        escrow.topUpWithAuthorization(id, amount, from, TOP_UP_SALT, 0, type(uint256).max, nonce, signature);
    }

    function test_RevertWhen_NonceIsAnother() public {
        bytes32 id = openDefault();
        bytes32 nonce = escrow.computeTopUpNonce(id, 5, payer, TOP_UP_SALT);
        bytes memory signature = authorization(PAYER_KEY, 5, nonce);
        bytes32 expected = escrow.computeTopUpNonce(id, 6, payer, TOP_UP_SALT);
        vm.expectRevert(abi.encodeWithSelector(IChannelEscrow.NonceMismatch.selector, nonce, expected));
        escrow.topUpWithAuthorization(id, 6, payer, TOP_UP_SALT, 0, type(uint256).max, nonce, signature);
    }

    function test_RevertGiven_NoChannel() public {
        bytes32 nonce = escrow.computeTopUpNonce(SALT, 5, payer, TOP_UP_SALT);
        bytes memory signature = authorization(PAYER_KEY, 5, nonce);
        expectError(IChannelEscrow.ChannelNotFound.selector, SALT);
        escrow.topUpWithAuthorization(SALT, 5, payer, TOP_UP_SALT, 0, type(uint256).max, nonce, signature);
    }

    function test_RevertGiven_Finalized() public {
        bytes32 id = openAndClose();
        bytes32 nonce = escrow.computeTopUpNonce(id, 5, payer, TOP_UP_SALT);
        bytes memory signature = authorization(PAYER_KEY, 5, nonce);
        expectError(IChannelEscrow.ChannelFinalized.selector, id);
        escrow.topUpWithAuthorization(id, 5, payer, TOP_UP_SALT, 0, type(uint256).max, nonce, signature);
    }

    function test_RevertWhen_AmountIsZero() public {
        bytes32 id = openDefault();
        bytes32 nonce = escrow.computeTopUpNonce(id, 0, payer, TOP_UP_SALT);
        expectError(IChannelEscrow.ZeroDeposit.selector);
        escrow.topUpWithAuthorization(id, 0, payer, TOP_UP_SALT, 0, type(uint256).max, nonce, "");
    }

    function test_RevertWhen_DepositOverflows() public {
        bytes32 id = openDefault();
        bytes32 nonce = escrow.computeTopUpNonce(id, MAX, payer, TOP_UP_SALT);
        expectError(IChannelEscrow.DepositOverflow.selector, id, DEPOSIT, MAX);
        escrow.topUpWithAuthorization(id, MAX, payer, TOP_UP_SALT, 0, type(uint256).max, nonce, "");
    }

    function test_RevertWhen_SentTwice() public {
        bytes32 id = openDefault();
        topUpFrom(PAYER_KEY, id, 5);
        bytes32 nonce = escrow.computeTopUpNonce(id, 5, payer, TOP_UP_SALT);
        bytes memory signature = authorization(PAYER_KEY, 5, nonce);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "FiatTokenV2: authorization is used or canceled"));
        escrow.topUpWithAuthorization(id, 5, payer, TOP_UP_SALT, 0, type(uint256).max, nonce, signature);
        assertEq(get(id).deposit, DEPOSIT + 5, "deposit grew once");
    }

    function test_TopUpWithAuthorization_FromPayer() public {
        bytes32 id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        topUpFrom(PAYER_KEY, id, 5);
        assertEq(get(id).deposit, DEPOSIT + 5, "deposit");
        assertEq(get(id).closeRequestedAt, 0, "request taken back");
        assertEq(token.balanceOf(address(escrow)), DEPOSIT + 5, "held");
    }

    function test_TopUpWithAuthorization_FromThirdParty() public {
        bytes32 id = openDefault();
        fund(other, 5);
        vm.prank(payer);
        escrow.requestClose(id);
        topUpFrom(OTHER_KEY, id, 5);
        assertEq(get(id).deposit, DEPOSIT + 5, "deposit");
        assertEq(get(id).closeRequestedAt, START, "request stands");
        assertEq(token.balanceOf(other), 0, "paid by the third party");
    }
}
