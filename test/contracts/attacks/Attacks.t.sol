// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelEscrow} from "../../../contracts/ChannelEscrow.sol";
import {IChannelEscrow} from "../../../contracts/interfaces/IChannelEscrow.sol";
import {HostileWallet} from "../../../contracts/test/HostileWallets.sol";
import {TestWallet} from "../../../contracts/test/TestWallet.sol";
import {EscrowTest} from "../utils/EscrowTest.sol";

/// @dev Each test is an attack, named for what the attacker does; the comment says what must hold.
contract AttacksTest is EscrowTest {
    // ------------------------------------------------------------------------ Spending another's authorization

    /// A payer's signature for one channel opens no other: neither for another payee, nor salt, nor signer.
    function test_Attack_FrontRunOpenWithOtherPayee() public {
        frontRunOpen(other, SALT, address(0));
    }

    function test_Attack_FrontRunOpenWithOtherSalt() public {
        frontRunOpen(payee, keccak256("another salt"), address(0));
    }

    function test_Attack_FrontRunOpenWithOtherSigner() public {
        frontRunOpen(payee, SALT, other);
    }

    /// The attacker can name the right nonce, and is refused by the escrow; or the one that fits its own parameters, and
    /// is refused by the token.
    function frontRunOpen(address payee_, bytes32 salt, address signer_) private {
        bytes32 nonce = escrow.computeOpenNonce(payer, payee, address(token), SALT, address(0));
        bytes memory signature = authorization(PAYER_KEY, DEPOSIT, nonce);
        bytes32 fitting = escrow.computeOpenNonce(payer, payee_, address(token), salt, signer_);
        vm.expectRevert(abi.encodeWithSelector(IChannelEscrow.NonceMismatch.selector, nonce, fitting));
        openWith(payee_, salt, signer_, nonce, signature);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "FiatTokenV2: invalid signature"));
        openWith(payee_, salt, signer_, fitting, signature);
        openWith(payee, SALT, address(0), nonce, signature);
        assertEq(token.balanceOf(address(escrow)), DEPOSIT, "the honest open goes through");
    }

    function openWith(address payee_, bytes32 salt, address signer_, bytes32 nonce, bytes memory signature) private {
        vm.prank(other);
        escrow.openWithAuthorization(
            payee_, address(token), DEPOSIT, salt, signer_, payer, 0, type(uint256).max, nonce, signature
        );
    }

    /// A signature seen in the mempool cannot be taken to the token directly: only the escrow may receive.
    function test_Attack_TakeAuthorizationToTheToken() public {
        bytes32 nonce = escrow.computeOpenNonce(payer, payee, address(token), SALT, address(0));
        bytes memory signature = authorization(PAYER_KEY, DEPOSIT, nonce);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "FiatTokenV2: caller must be the payee"));
        vm.prank(other);
        token.receiveWithAuthorization(payer, address(escrow), DEPOSIT, 0, type(uint256).max, nonce, signature);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "FiatTokenV2: invalid signature"));
        vm.prank(other);
        token.transferWithAuthorization(payer, address(escrow), DEPOSIT, 0, type(uint256).max, nonce, signature);
    }

    /// A top-up signed for one channel does not go to another one.
    function test_Attack_RedirectTopUp() public {
        bytes32 mine = openAs(payer, other, address(token), 10, SALT, address(0));
        bytes32 theirs = openDefault();
        bytes32 nonce = escrow.computeTopUpNonce(theirs, 5, payer, SALT);
        bytes memory signature = authorization(PAYER_KEY, 5, nonce);
        bytes32 fitting = escrow.computeTopUpNonce(mine, 5, payer, SALT);
        vm.expectRevert(abi.encodeWithSelector(IChannelEscrow.NonceMismatch.selector, nonce, fitting));
        vm.prank(other);
        escrow.topUpWithAuthorization(mine, 5, payer, SALT, 0, type(uint256).max, nonce, signature);
    }

    /// An approval to the escrow is spent by the approver alone: `open` pulls from the caller, never from an argument.
    function test_Attack_SpendAnothersApproval() public {
        uint256 before = token.balanceOf(payer);
        vm.expectRevert();
        openAs(other, other, address(token), 1, SALT, payer);
        assertEq(token.balanceOf(payer), before, "the payer's tokens stay");
    }

    // ------------------------------------------------------------------------------------- Replaying vouchers

    /// A finalized channel is never opened again, so its old vouchers never meet new money.
    function test_Attack_ReopenAfterClose() public {
        bytes32 id = openAndClose();
        expectError(IChannelEscrow.ChannelAlreadyExists.selector, id);
        openDefault();
        bytes32 nonce = escrow.computeOpenNonce(payer, payee, address(token), SALT, address(0));
        bytes memory signature = authorization(PAYER_KEY, DEPOSIT, nonce);
        expectError(IChannelEscrow.ChannelAlreadyExists.selector, id);
        openWith(payee, SALT, address(0), nonce, signature);
    }

    function test_Attack_ReopenAfterWithdraw() public {
        bytes32 id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        vm.warp(START + 900);
        vm.prank(payer);
        escrow.withdraw(id);
        expectError(IChannelEscrow.ChannelAlreadyExists.selector, id);
        openDefault();
    }

    /// A voucher brought twice, or an older one after a newer one, moves nothing.
    function test_Attack_ReplayVoucher() public {
        bytes32 id = openDefault();
        bytes memory older = voucher(PAYER_KEY, id, 5);
        bytes memory newer = voucher(PAYER_KEY, id, 9);
        settleAs(payee, id, 9, newer);
        expectError(IChannelEscrow.AmountNotIncreasing.selector, id, 9, 9);
        settleAs(payee, id, 9, newer);
        expectError(IChannelEscrow.AmountNotIncreasing.selector, id, 5, 9);
        settleAs(payee, id, 5, older);
        assertEq(token.balanceOf(payee), 9, "paid once");
    }

    /// A voucher of one channel is nothing in another between the same two parties.
    function test_Attack_VoucherOfAnotherChannel() public {
        bytes32 first = openDefault();
        bytes32 second = openAs(payer, payee, address(token), DEPOSIT, keccak256("another salt"), address(0));
        bytes memory signature = voucher(PAYER_KEY, first, 5);
        expectInvalidSignature(second, payer, 5);
        settleAs(payee, second, 5, signature);
    }

    // ------------------------------------------------------------------------------------ Altering signatures

    /// The other form of a good signature is refused: a signature has one form.
    function test_Attack_HighS() public {
        bytes32 id = openDefault();
        bytes32 digest = escrow.getVoucherDigest(id, 5);
        bytes memory malleated = highS(PAYER_KEY, digest);
        (bytes32 r, bytes32 s, uint8 v) = split(malleated);
        assertEq(ecrecover(digest, v, r, s), payer, "the precompile would take it");
        expectInvalidSignature(id, payer, 5);
        settleAs(payee, id, 5, malleated);
    }

    /// Neither the short form (EIP-2098), nor v as 0 or 1, nor an appended byte is a signature here.
    function test_Attack_OtherEncodings() public {
        bytes32 id = openDefault();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, escrow.getVoucherDigest(id, 5));
        bytes[4] memory forms = [
            abi.encodePacked(r, bytes32(uint256(s) | (uint256(v - 27) << 255))),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, s, v, uint8(0)),
            bytes("")
        ];
        for (uint256 i = 0; i < forms.length; ++i) {
            expectInvalidSignature(id, payer, 5);
            settleAs(payee, id, 5, forms[i]);
        }
    }

    /// `ecrecover` answers zero for rubbish; a channel's signer is never the zero address.
    function test_Attack_RubbishRecoversToZero() public {
        bytes32 id = openDefault();
        expectInvalidSignature(id, payer, 5);
        settleAs(payee, id, 5, abi.encodePacked(bytes32(0), bytes32(0), uint8(27)));
    }

    /// A voucher for the same deployment address on another chain, or for another deployment here, is refused.
    function test_Attack_VoucherOfAnotherChain() public {
        bytes32 id = openDefault();
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        bytes memory signature = voucher(PAYER_KEY, id, 5);
        vm.chainId(here);
        expectInvalidSignature(id, payer, 5);
        settleAs(payee, id, 5, signature);
    }

    function test_Attack_VoucherOfAnotherContract() public {
        bytes32 id = openDefault();
        bytes memory signature = signed(PAYER_KEY, new ChannelEscrow().getVoucherDigest(id, 5));
        expectInvalidSignature(id, payer, 5);
        settleAs(payee, id, 5, signature);
    }

    /// After a fork of the chain, channels opened before it are not spendable with vouchers of the other side.
    function test_Attack_ReplayAfterFork() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, 5);
        vm.chainId(block.chainid + 1);
        expectInvalidSignature(id, payer, 5);
        settleAs(payee, id, 5, signature);
    }

    // -------------------------------------------------------------------------------------------- Boundaries

    /// Exactly at settled, settled + 1, deposit, deposit + 1, what a slot holds, what it cuts off, and 2^128 - 1.
    function test_Attack_VoucherBoundaries() public {
        bytes32 id = openDefault();
        settleSigned(id, 5);
        expectBoundary(id, 0, IChannelEscrow.AmountNotIncreasing.selector, 5);
        expectBoundary(id, 4, IChannelEscrow.AmountNotIncreasing.selector, 5);
        expectBoundary(id, 5, IChannelEscrow.AmountNotIncreasing.selector, 5);
        settleSigned(id, 6);
        expectBoundary(id, DEPOSIT + 1, IChannelEscrow.AmountExceedsDeposit.selector, DEPOSIT);
        expectBoundary(id, MAX, IChannelEscrow.AmountExceedsDeposit.selector, DEPOSIT);
        expectBoundary(id, MAX + 1 + 7, IChannelEscrow.AmountExceedsDeposit.selector, DEPOSIT);
        expectBoundary(id, type(uint128).max, IChannelEscrow.AmountExceedsDeposit.selector, DEPOSIT);
        settleSigned(id, DEPOSIT);
        expectBoundary(id, DEPOSIT, IChannelEscrow.AmountNotIncreasing.selector, DEPOSIT);
        assertEq(token.balanceOf(payee), DEPOSIT, "the deposit and no more");
    }

    /// The largest channel there can be pays out to its last unit.
    function test_Attack_LargestChannel() public {
        fund(other, MAX);
        bytes32 id = openAs(other, payee, address(token), MAX, SALT, address(0));
        bytes memory signature = voucher(OTHER_KEY, id, MAX);
        settleAs(payee, id, MAX, signature);
        assertEq(token.balanceOf(payee), MAX, "paid");
    }

    function settleSigned(bytes32 id, uint128 amount) private {
        bytes memory signature = voucher(PAYER_KEY, id, amount);
        settleAs(payee, id, amount, signature);
    }

    function expectBoundary(bytes32 id, uint128 amount, bytes4 selector, uint128 limit) private {
        bytes memory signature = voucher(PAYER_KEY, id, amount);
        expectError(selector, id, amount, limit);
        settleAs(payee, id, amount, signature);
    }

    // ------------------------------------------------------------------------------------- Leaving and staying

    /// The money does not leave without notice: no request, no withdrawal, however old the channel is.
    function test_Attack_WithdrawWithoutRequest() public {
        bytes32 id = openDefault();
        vm.warp(START + 365 days);
        expectError(IChannelEscrow.CloseNotReady.selector, id, START + 365 days, 0);
        vm.prank(payer);
        escrow.withdraw(id);
    }

    /// A request that was taken back by a top-up starts over: time served before does not count.
    function test_Attack_WithdrawOnAnOldRequest() public {
        bytes32 id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        vm.warp(START + 899);
        vm.prank(payer);
        escrow.topUp(id, 1);
        vm.prank(payer);
        escrow.requestClose(id);
        vm.warp(START + 901);
        expectError(IChannelEscrow.CloseNotReady.selector, id, START + 901, START + 899 + 900);
        vm.prank(payer);
        escrow.withdraw(id);
    }

    /// A payee cannot keep a payer from leaving by topping its channel up one unit at a time.
    function test_Attack_PayeeHoldsPayerByTopUps() public {
        bytes32 id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        fund(other, 1);
        bytes32 nonce = escrow.computeTopUpNonce(id, 1, other, SALT);
        bytes memory signature = authorization(OTHER_KEY, 1, nonce);
        vm.prank(payee);
        escrow.topUpWithAuthorization(id, 1, other, SALT, 0, type(uint256).max, nonce, signature);
        vm.warp(START + 900);
        uint256 before = token.balanceOf(payer);
        vm.prank(payer);
        escrow.withdraw(id);
        assertEq(token.balanceOf(payer), before + DEPOSIT + 1, "the payer leaves, with the gift");
    }

    /// After a close the channel's share of the pool is gone: the payer cannot draw it a second time.
    function test_Attack_CloseThenWithdraw() public {
        openAs(payer, payee, address(token), DEPOSIT, keccak256("someone else's money"), address(0));
        bytes32 id = openDefault();
        vm.prank(payer);
        escrow.requestClose(id);
        vm.prank(payee);
        escrow.close(id, 0, "");
        vm.warp(START + 900);
        expectError(IChannelEscrow.ChannelFinalized.selector, id);
        vm.prank(payer);
        escrow.withdraw(id);
        assertEq(token.balanceOf(address(escrow)), DEPOSIT, "the other channel is whole");
    }

    // ------------------------------------------------------------------------------------------ Hostile signers

    /// A payer with a key cannot void what it has signed by giving its account code (EIP-7702) that denies everything.
    function test_Attack_DelegatePayerToDenyingCode() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, 5);
        vm.etch(payer, address(new HostileWallet(HostileWallet.Mode.Revert)).code);
        settleAs(payee, id, 5, signature);
        assertEq(token.balanceOf(payee), 5, "paid");
    }

    /// A contract wallet's owner may change: the wallet is asked at settlement, and earlier signatures stop counting.
    /// That is in the nature of ERC-1271; whoever accepts such vouchers settles them soon.
    function test_Attack_RotateWalletOwner() public {
        TestWallet wallet = new TestWallet(other);
        bytes32 id = openAs(payer, payee, address(token), DEPOSIT, SALT, address(wallet));
        bytes memory signature = voucher(OTHER_KEY, id, 5);
        vm.prank(other);
        wallet.rotate(payer);
        expectInvalidSignature(id, address(wallet), 5);
        settleAs(payee, id, 5, signature);
    }

    /// One bad channel among fifty: the other 49 settle, whatever is bad about the one.
    function test_Attack_PoisonedBatch() public {
        uint8 kinds = uint8(type(HostileWallet.Mode).max) + 1;
        uint256 paid;
        for (uint8 kind = 0; kind < kinds; ++kind) {
            IChannelEscrow.Settlement[] memory batch = new IChannelEscrow.Settlement[](50);
            address hostile = address(new HostileWallet(HostileWallet.Mode(kind)));
            for (uint256 i = 0; i < 50; ++i) {
                bytes32 salt = keccak256(abi.encode(kind, i));
                bytes32 id = openAs(payer, payee, address(token), 100, salt, i == 17 ? hostile : address(0));
                batch[i] = IChannelEscrow.Settlement(id, 7, voucher(PAYER_KEY, id, 7));
            }
            expectEvent();
            emit IChannelEscrow.SettlementSkipped(
                batch[17].channelId, payee, 7, IChannelEscrow.InvalidSignature.selector
            );
            vm.prank(payee);
            (uint256 amount, uint256 count) = escrow.settleBatch(address(token), batch);
            assertEq(count, 49, "49 settle");
            assertEq(amount, 49 * 7, "amount");
            paid += amount;
            assertEq(token.balanceOf(payee), paid, "paid");
        }
    }

    /// Nobody but the parties moves anything: a stranger is refused by every function.
    function test_Attack_Stranger() public {
        bytes32 id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, 5);
        vm.startPrank(other);
        expectError(IChannelEscrow.NotPayee.selector, id, other, payee);
        escrow.settle(id, 5, signature);
        expectError(IChannelEscrow.NotPayee.selector, id, other, payee);
        escrow.close(id, 5, signature);
        expectError(IChannelEscrow.NotPayer.selector, id, other, payer);
        escrow.topUp(id, 1);
        expectError(IChannelEscrow.NotPayer.selector, id, other, payer);
        escrow.requestClose(id);
        expectError(IChannelEscrow.NotPayer.selector, id, other, payer);
        escrow.withdraw(id);
        vm.stopPrank();
    }

    function split(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }
}
