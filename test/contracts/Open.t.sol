// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IChannelEscrow} from "../../contracts/interfaces/IChannelEscrow.sol";
import {FalseToken, FeeToken, LyingToken, SilentToken} from "../../contracts/test/HostileTokens.sol";
import {EscrowTest} from "./utils/EscrowTest.sol";

contract OpenTest is EscrowTest {
    function test_RevertWhen_PayeeIsZero() public {
        expectError(IChannelEscrow.ZeroPayee.selector);
        openAs(payer, address(0), address(token), DEPOSIT, SALT, address(0));
    }

    function test_RevertWhen_DepositIsZero() public {
        expectError(IChannelEscrow.ZeroDeposit.selector);
        openAs(payer, payee, address(token), 0, SALT, address(0));
    }

    function test_RevertWhen_DepositIsAboveMax() public {
        bytes32 id = escrow.computeChannelId(payer, payee, address(token), SALT, address(0));
        vm.expectRevert(
            abi.encodeWithSelector(IChannelEscrow.DepositOverflow.selector, id, uint256(0), uint256(MAX) + 1)
        );
        openAs(payer, payee, address(token), MAX + 1, SALT, address(0));
    }

    function test_RevertWhen_TokenHasNoCode() public {
        vm.expectRevert(abi.encodeWithSelector(IChannelEscrow.TokenWithoutCode.selector, address(0xDEAD)));
        openAs(payer, payee, address(0xDEAD), DEPOSIT, SALT, address(0));
    }

    function test_RevertGiven_ChannelIsOpen() public {
        bytes32 id = openDefault();
        expectError(IChannelEscrow.ChannelAlreadyExists.selector, id);
        openAs(payer, payee, address(token), 1, SALT, address(0));
    }

    function test_RevertGiven_ChannelIsFinalized() public {
        bytes32 id = openAndClose();
        expectError(IChannelEscrow.ChannelAlreadyExists.selector, id);
        openAs(payer, payee, address(token), 1, SALT, address(0));
    }

    function test_RevertWhen_PullFails() public {
        vm.expectRevert();
        openAs(other, payee, address(token), 1, SALT, address(0));
        assertEq(get(escrow.computeChannelId(other, payee, address(token), SALT, address(0))).payer, address(0), "payer");
    }

    function test_RevertWhen_TokenTakesFee() public {
        FeeToken fee = new FeeToken();
        fee.mint(payer, DEPOSIT);
        vm.prank(payer);
        fee.approve(address(escrow), DEPOSIT);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelEscrow.DepositNotExact.selector, address(fee), DEPOSIT, DEPOSIT - DEPOSIT / 100
            )
        );
        openAs(payer, payee, address(fee), DEPOSIT, SALT, address(0));
    }

    function test_RevertWhen_TokenAnswersFalse() public {
        FalseToken lazy = new FalseToken();
        lazy.fail(true);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(lazy)));
        openAs(payer, payee, address(lazy), DEPOSIT, SALT, address(0));
    }

    function test_RevertWhen_TokenMovesNothing() public {
        LyingToken liar = new LyingToken();
        vm.expectRevert(
            abi.encodeWithSelector(IChannelEscrow.DepositNotExact.selector, address(liar), uint256(DEPOSIT), uint256(0))
        );
        openAs(payer, payee, address(liar), DEPOSIT, SALT, address(0));
    }

    function test_Open_TokenAnswersNothing() public {
        SilentToken silent = new SilentToken();
        silent.mint(payer, DEPOSIT);
        bytes32 id = openAs(payer, payee, address(silent), DEPOSIT, SALT, address(0));
        assertEq(silent.balanceOf(address(escrow)), DEPOSIT, "held");
        bytes memory signature = voucher(PAYER_KEY, id, DEPOSIT);
        settleAs(payee, id, DEPOSIT, signature);
        assertEq(silent.balanceOf(payee), DEPOSIT, "paid");
    }

    function test_Open() public {
        bytes32 expected = keccak256(
            abi.encode(payer, payee, address(token), SALT, address(0), address(escrow), block.chainid)
        );
        expectEvent();
        emit IChannelEscrow.ChannelOpened(expected, payee, payer, address(token), address(0), SALT, DEPOSIT);
        bytes32 id = openDefault();
        assertEq(id, expected, "id");
        IChannelEscrow.Channel memory channel = get(id);
        assertEq(channel.payer, payer, "payer");
        assertEq(channel.payee, payee, "payee");
        assertEq(channel.token, address(token), "token");
        assertEq(channel.authorizedSigner, address(0), "signer");
        assertEq(channel.deposit, DEPOSIT, "deposit");
        assertEq(channel.settled, 0, "settled");
        assertEq(channel.closeRequestedAt, 0, "closeRequestedAt");
        assertTrue(!channel.finalized, "not finalized");
        assertEq(token.balanceOf(address(escrow)), DEPOSIT, "held");
    }

    function test_Open_WritesThreeSlots() public {
        assertEq(slotsWritten(address(0)), 3, "slots");
    }

    /// A batch finds a channel by this place alone: every byte of the four must count.
    function test_Open_StateLiesWhereTermsLead() public {
        bytes32 plain = openDefault();
        bytes32 place = keccak256(abi.encodePacked(plain, payee, address(token), payer));
        assertEq(vm.load(address(escrow), place), bytes32(uint256(DEPOSIT)), "deposit");
        bytes32 delegated = openDelegated();
        place = keccak256(abi.encodePacked(delegated, payee, address(token), signer));
        assertEq(vm.load(address(escrow), place), bytes32(uint256(DEPOSIT)), "deposit, delegated");
    }

    function test_Open_Delegated() public {
        bytes32 id = openDelegated();
        assertEq(get(id).authorizedSigner, signer, "signer");
        assertTrue(id != escrow.computeChannelId(payer, payee, address(token), SALT, address(0)), "another id");
    }

    function test_Open_DelegatedWritesFourSlots() public {
        assertEq(slotsWritten(signer), 4, "slots");
    }

    function testFuzz_Open(address payee_, uint128 deposit, bytes32 salt, address signer_) public {
        vm.assume(payee_ != address(0));
        deposit = uint128(bound(deposit, 1, MAX));
        fund(other, deposit);
        bytes32 id = openAs(other, payee_, address(token), deposit, salt, signer_);
        bytes32 expected =
            keccak256(abi.encode(other, payee_, address(token), salt, signer_, address(escrow), block.chainid));
        assertEq(id, expected, "id");
        assertEq(id, escrow.computeChannelId(other, payee_, address(token), salt, signer_), "computeChannelId");
        assertEq(get(id).deposit, deposit, "deposit");
        assertEq(get(id).authorizedSigner, signer_, "signer");
    }

    /// @dev How many slots of the escrow an open writes, each counted once.
    function slotsWritten(address signer_) private returns (uint256 count) {
        vm.record();
        openAs(payer, payee, address(token), DEPOSIT, SALT, signer_);
        (, bytes32[] memory writes) = vm.accesses(address(escrow));
        for (uint256 i = 0; i < writes.length; ++i) {
            bool again = false;
            for (uint256 k = 0; k < i; ++k) again = again || writes[k] == writes[i];
            if (!again) ++count;
        }
    }
}
