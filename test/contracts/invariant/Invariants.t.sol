// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelEscrow} from "../../../contracts/ChannelEscrow.sol";
import {IChannelEscrow} from "../../../contracts/interfaces/IChannelEscrow.sol";
import {TestToken} from "../../../contracts/test/TestToken.sol";
import {Test} from "../utils/Test.sol";
import {Handler} from "./Handler.sol";

/// @dev The invariants of test/contracts/README.md, by their numbers there.
contract InvariantsTest is Test {
    ChannelEscrow private escrow;
    Handler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        escrow = new ChannelEscrow();
        handler = new Handler(escrow);
    }

    /// @dev Only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev After each run: an invariant over nothing would hold as well.
    function afterInvariant() external view {
        assertTrue(handler.count() > 0, "there are channels");
        assertTrue(handler.calls("settle") + handler.calls("settleBatch") > 0, "vouchers were brought");
    }

    function invariant_1_BalanceIsTheSumOfOpenRemainders() external view {
        for (uint256 t = 0; t < 2; ++t) {
            TestToken token = handler.tokens(t);
            uint256 owed;
            for (uint256 i = 0; i < handler.count(); ++i) {
                IChannelEscrow.Channel memory channel = escrow.getChannel(handler.ids(i));
                if (channel.token == address(token) && !channel.finalized) owed += channel.deposit - channel.settled;
            }
            assertEq(token.balanceOf(address(escrow)), owed, "1");
        }
    }

    function invariant_2_SettledNeverPassesDeposit() external view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            IChannelEscrow.Channel memory channel = escrow.getChannel(handler.ids(i));
            assertTrue(channel.settled <= channel.deposit, "2");
        }
    }

    function invariant_3_DepositAndSettledOnlyGrow() external view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            IChannelEscrow.Channel memory channel = escrow.getChannel(id);
            assertEq(channel.deposit, handler.highestDeposit(id), "3: deposit");
            assertEq(channel.settled, handler.highestSettled(id), "3: settled");
        }
    }

    function invariant_4_FinalizedNeverChanges() external view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            if (!handler.seenFinalized(id)) continue;
            IChannelEscrow.Channel memory channel = escrow.getChannel(id);
            assertTrue(channel.finalized, "4: finalized");
            assertEq(keccak256(abi.encode(channel)), handler.finalState(id), "4: state");
        }
    }

    function invariant_5_DepositedIsPaidPlusRefundedPlusHeld() external view {
        for (uint256 t = 0; t < 2; ++t) {
            TestToken token = handler.tokens(t);
            address at = address(token);
            uint256 held = token.balanceOf(address(escrow));
            assertEq(handler.deposited(at), handler.paid(at) + handler.refunded(at) + held, "5");
        }
    }

    function invariant_6_PayersPayeesAndEscrowConserve() external view {
        for (uint256 t = 0; t < 2; ++t) {
            TestToken token = handler.tokens(t);
            uint256 sum = token.balanceOf(address(escrow));
            for (uint256 i = 0; i < 3; ++i) sum += token.balanceOf(handler.payer(i));
            for (uint256 i = 0; i < 2; ++i) sum += token.balanceOf(handler.payee(i));
            assertEq(sum, handler.minted(address(token)), "6");
            assertEq(sum, token.totalSupply(), "6: supply");
        }
    }

    function invariant_7_PayeesGetWhatIsRecordedAsSettled() external view {
        for (uint256 t = 0; t < 2; ++t) {
            TestToken token = handler.tokens(t);
            uint256 settled;
            for (uint256 i = 0; i < handler.count(); ++i) {
                IChannelEscrow.Channel memory channel = escrow.getChannel(handler.ids(i));
                if (channel.token == address(token)) settled += channel.settled;
            }
            uint256 got;
            for (uint256 i = 0; i < 2; ++i) got += token.balanceOf(handler.payee(i));
            assertEq(got, settled, "7");
        }
    }
}
