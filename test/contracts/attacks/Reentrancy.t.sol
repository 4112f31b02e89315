// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IChannelEscrow} from "../../../contracts/interfaces/IChannelEscrow.sol";
import {ReentrantToken} from "../../../contracts/test/HostileTokens.sol";
import {EscrowTest} from "../utils/EscrowTest.sol";

/// @dev A token that calls the escrow back in the middle of a transfer, and that is payer and payee itself, so that only
/// the guard and the order of the steps stand in its way.
contract ReentrancyTest is EscrowTest {
    ReentrantToken private hostile;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        hostile = new ReentrantToken();
        hostile.mint(address(hostile), 1000);
        hostile.execute(address(hostile), abi.encodeCall(hostile.approve, (address(escrow), type(uint256).max)));
        id = abi.decode(
            hostile.execute(
                address(escrow),
                abi.encodeCall(escrow.open, (address(hostile), address(hostile), 100, SALT, signer))
            ),
            (bytes32)
        );
    }

    /// @dev Arms the token with `inner`, runs `outer` as the token, and expects the inner call to have been thrown out.
    function expectGuarded(bytes memory outer, bytes memory inner) private {
        hostile.arm(address(escrow), inner);
        hostile.execute(address(escrow), outer);
        assertEq(hostile.target(), address(0), "it was called back");
        assertTrue(!hostile.reentered(), "it got in");
        assertTrue(
            bytes4(hostile.answer()) == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "the guard"
        );
    }

    function settleCall(uint128 amount) private view returns (bytes memory) {
        return abi.encodeCall(escrow.settle, (id, amount, voucher(SIGNER_KEY, id, amount)));
    }

    function test_Attack_SettleDuringSettle() public {
        expectGuarded(settleCall(5), settleCall(9));
        assertEq(get(id).settled, 5, "settled");
    }

    function test_Attack_CloseDuringSettle() public {
        expectGuarded(settleCall(5), abi.encodeCall(escrow.close, (id, 9, voucher(SIGNER_KEY, id, 9))));
        assertTrue(!get(id).finalized, "still open");
    }

    function test_Attack_SettleDuringClose() public {
        bytes memory signature = voucher(SIGNER_KEY, id, 5);
        expectGuarded(abi.encodeCall(escrow.close, (id, 5, signature)), settleCall(9));
        assertEq(get(id).settled, 5, "settled");
    }

    function test_Attack_WithdrawDuringSettle() public {
        hostile.execute(address(escrow), abi.encodeCall(escrow.requestClose, (id)));
        vm.warp(START + 900);
        expectGuarded(settleCall(5), abi.encodeCall(escrow.withdraw, (id)));
        assertTrue(!get(id).finalized, "still open");
    }

    function test_Attack_WithdrawDuringWithdraw() public {
        hostile.execute(address(escrow), abi.encodeCall(escrow.requestClose, (id)));
        vm.warp(START + 900);
        bytes memory call = abi.encodeCall(escrow.withdraw, (id));
        expectGuarded(call, call);
        assertEq(hostile.balanceOf(address(escrow)), 0, "paid once");
    }

    function test_Attack_BatchDuringBatch() public {
        IChannelEscrow.Settlement[] memory outer = new IChannelEscrow.Settlement[](1);
        outer[0] = IChannelEscrow.Settlement(id, 5, voucher(SIGNER_KEY, id, 5));
        IChannelEscrow.Settlement[] memory inner = new IChannelEscrow.Settlement[](1);
        inner[0] = IChannelEscrow.Settlement(id, 9, voucher(SIGNER_KEY, id, 9));
        expectGuarded(
            abi.encodeCall(escrow.settleBatch, (address(hostile), outer)),
            abi.encodeCall(escrow.settleBatch, (address(hostile), inner))
        );
        assertEq(get(id).settled, 5, "settled");
    }

    /// The measured pull counts the balance: a second deposit in the middle of the first must not be counted twice.
    function test_Attack_OpenDuringTopUp() public {
        expectGuarded(
            abi.encodeCall(escrow.topUp, (id, 10)),
            abi.encodeCall(escrow.open, (payee, address(hostile), 10, SALT, address(0)))
        );
        assertEq(hostile.balanceOf(address(escrow)), get(id).deposit, "each unit is counted once");
    }

    function test_Attack_TopUpDuringOpen() public {
        expectGuarded(
            abi.encodeCall(escrow.open, (payee, address(hostile), 10, SALT, address(0))),
            abi.encodeCall(escrow.topUp, (id, 10))
        );
        assertEq(get(id).deposit, 100, "deposit");
    }

    function test_Attack_RequestCloseDuringTopUp() public {
        expectGuarded(abi.encodeCall(escrow.topUp, (id, 10)), abi.encodeCall(escrow.requestClose, (id)));
        assertEq(get(id).closeRequestedAt, 0, "no request");
    }
}
