// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {LyingToken} from "../../contracts/test/HostileTokens.sol";
import {TestWallet} from "../../contracts/test/TestWallet.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";

contract OpenWithAuthorizationTest is EscrowTest {
    /// @dev The arguments of one call, so that a test changes just the one it is about.
    struct Call {
        address payee;
        address token;
        uint128 deposit;
        bytes32 salt;
        address signer;
        address from;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
        bytes signature;
    }

    function valid() private view returns (Call memory call) {
        call.payee = payee;
        call.token = address(token);
        call.deposit = DEPOSIT;
        call.salt = SALT;
        call.signer = signer;
        call.from = payer;
        call.validBefore = type(uint256).max;
        bindTo(call);
        call.signature = authorization(PAYER_KEY, DEPOSIT, call.nonce);
    }

    function bindTo(Call memory call) private view {
        call.nonce = escrow.computeOpenNonce(call.from, call.payee, call.token, call.salt, call.signer);
    }

    function send(Call memory c) private returns (bytes32) {
        vm.prank(other);
        return escrow.openWithAuthorization(
            c.payee, c.token, c.deposit, c.salt, c.signer, c.from, c.validAfter, c.validBefore, c.nonce, c.signature
        );
    }

    function test_RevertWhen_NonceIsAnother() public {
        Call memory call = valid();
        bytes32 expected = call.nonce;
        call.nonce = bytes32(uint256(1));
        vm.expectRevert(abi.encodeWithSelector(IChannelEscrow.NonceMismatch.selector, call.nonce, expected));
        send(call);
    }

    function testFuzz_RevertWhen_ParametersChanged(uint8 which, bytes32 value) public {
        Call memory call = valid();
        which %= 5;
        address account = address(uint160(uint256(value)));
        if (which == 0) call.payee = account;
        if (which == 1) call.token = account;
        if (which == 2) call.salt = value;
        if (which == 3) call.signer = account;
        if (which == 4) call.from = account;
        bytes32 expected = escrow.computeOpenNonce(call.from, call.payee, call.token, call.salt, call.signer);
        vm.assume(expected != call.nonce);
        vm.expectRevert(abi.encodeWithSelector(IChannelEscrow.NonceMismatch.selector, call.nonce, expected));
        send(call);
    }

    function test_RevertWhen_PayeeIsZero() public {
        Call memory call = valid();
        call.payee = address(0);
        bindTo(call);
        expectError(IChannelEscrow.ZeroPayee.selector);
        send(call);
    }

    /// A token may take anybody's word for the zero address; a channel of nobody must not come of it.
    function test_RevertWhen_PayerIsZero() public {
        Call memory call = valid();
        call.from = address(0);
        bindTo(call);
        expectError(IChannelEscrow.ZeroPayer.selector);
        send(call);
    }

    function test_RevertWhen_DepositIsZero() public {
        Call memory call = valid();
        call.deposit = 0;
        expectError(IChannelEscrow.ZeroDeposit.selector);
        send(call);
    }

    function test_RevertWhen_TokenHasNoCode() public {
        Call memory call = valid();
        call.token = address(0xDEAD);
        bindTo(call);
        vm.expectRevert(abi.encodeWithSelector(IChannelEscrow.TokenWithoutCode.selector, address(0xDEAD)));
        send(call);
    }

    function test_RevertGiven_ChannelExists() public {
        Call memory call = valid();
        bytes32 id = openDelegated();
        expectError(IChannelEscrow.ChannelAlreadyExists.selector, id);
        send(call);
    }

    function test_RevertWhen_AmountIsNotSigned() public {
        Call memory call = valid();
        call.deposit = DEPOSIT + 1;
        vm.expectRevert(bytes(abi.encodeWithSignature("Error(string)", "FiatTokenV2: invalid signature")));
        send(call);
    }

    function test_RevertWhen_SignerIsNotPayer() public {
        Call memory call = valid();
        call.signature = authorization(OTHER_KEY, DEPOSIT, call.nonce);
        vm.expectRevert(bytes(abi.encodeWithSignature("Error(string)", "FiatTokenV2: invalid signature")));
        send(call);
    }

    function test_RevertWhen_OutsideValidity() public {
        Call memory call = valid();
        call.validBefore = START;
        vm.expectRevert(bytes(abi.encodeWithSignature("Error(string)", "FiatTokenV2: authorization is expired")));
        send(call);
        call = valid();
        call.validAfter = START;
        vm.expectRevert(bytes(abi.encodeWithSignature("Error(string)", "FiatTokenV2: authorization is not yet valid")));
        send(call);
    }

    function test_RevertGiven_NonceCancelled() public {
        Call memory call = valid();
        bytes32 structHash = keccak256(abi.encode(token.CANCEL_AUTHORIZATION_TYPEHASH(), payer, call.nonce));
        token.cancelAuthorization(
            payer,
            call.nonce,
            signed(PAYER_KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)))
        );
        vm.expectRevert(
            bytes(abi.encodeWithSignature("Error(string)", "FiatTokenV2: authorization is used or canceled"))
        );
        send(call);
    }

    function test_RevertWhen_TokenSwallowsCall() public {
        Call memory call = valid();
        call.token = address(new LyingToken());
        bindTo(call);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelEscrow.DepositNotExact.selector, call.token, uint256(DEPOSIT), uint256(0))
        );
        send(call);
    }

    function test_OpenWithAuthorization() public {
        Call memory call = valid();
        uint256 before = token.balanceOf(payer);
        bytes32 expected = escrow.computeChannelId(payer, payee, address(token), SALT, signer);
        expectEvent();
        emit IChannelEscrow.ChannelOpened(expected, payee, payer, address(token), signer, SALT, DEPOSIT);
        bytes32 id = send(call);
        assertEq(id, expected, "id");
        assertEq(get(id).payer, payer, "payer is from, not the caller");
        assertEq(get(id).authorizedSigner, signer, "signer");
        assertEq(token.balanceOf(payer), before - DEPOSIT, "payer paid");
        assertEq(token.balanceOf(address(escrow)), DEPOSIT, "held");
    }

    function test_OpenWithAuthorization_ContractWallet() public {
        TestWallet wallet = new TestWallet(other);
        token.mint(address(wallet), DEPOSIT);
        Call memory call = valid();
        call.from = address(wallet);
        bindTo(call);
        bytes32 structHash = keccak256(
            abi.encode(
                token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(),
                address(wallet),
                address(escrow),
                DEPOSIT,
                uint256(0),
                type(uint256).max,
                call.nonce
            )
        );
        call.signature =
            signed(OTHER_KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        assertEq(get(send(call)).payer, address(wallet), "payer");
    }
}
