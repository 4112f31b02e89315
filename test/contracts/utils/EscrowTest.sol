// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelEscrow} from "../../../contracts/ChannelEscrow.sol";
import {IChannelEscrow} from "../../../contracts/interfaces/IChannelEscrow.sol";
import {TestToken} from "../../../contracts/test/TestToken.sol";
import {Test} from "./Test.sol";

/// @dev What every escrow test starts from: an escrow, a token of 6 decimals, a payer who approved it, a payee.
abstract contract EscrowTest is Test {
    uint256 internal constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint128 internal constant MAX = type(uint104).max; // the largest deposit
    uint128 internal constant DEPOSIT = 10_000_000;
    bytes32 internal constant SALT = keccak256("salt");
    uint256 internal constant START = 1_800_000_000;

    uint256 internal constant PAYER_KEY = 0xA11CE;
    uint256 internal constant SIGNER_KEY = 0x516E2;
    uint256 internal constant OTHER_KEY = 0xBADBAD;

    ChannelEscrow internal escrow;
    TestToken internal token;
    address internal payer = vm.addr(PAYER_KEY);
    address internal signer = vm.addr(SIGNER_KEY);
    address internal other = vm.addr(OTHER_KEY);
    address internal payee = address(0xBEEF);

    function setUp() public virtual {
        vm.warp(START);
        escrow = new ChannelEscrow();
        token = new TestToken("Test USD", "TUSD", "2", 6);
        fund(payer, 1_000_000_000);
    }

    // ------------------------------------------------------------------------------------------------ Doing

    function fund(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.prank(account);
        token.approve(address(escrow), type(uint256).max);
    }

    function openDefault() internal returns (bytes32) {
        return openAs(payer, payee, address(token), DEPOSIT, SALT, address(0));
    }

    function openDelegated() internal returns (bytes32) {
        return openAs(payer, payee, address(token), DEPOSIT, SALT, signer);
    }

    function openAs(address from, address to, address token_, uint128 deposit, bytes32 salt, address signer_)
        internal
        returns (bytes32)
    {
        vm.prank(from);
        return escrow.open(to, token_, deposit, salt, signer_);
    }

    function settleAs(address caller, bytes32 id, uint128 amount, bytes memory signature) internal {
        vm.prank(caller);
        escrow.settle(id, amount, signature);
    }

    /// @dev A channel that its payee has closed after `DEPOSIT / 2`.
    function openAndClose() internal returns (bytes32 id) {
        id = openDefault();
        bytes memory signature = voucher(PAYER_KEY, id, DEPOSIT / 2);
        vm.prank(payee);
        escrow.close(id, DEPOSIT / 2, signature);
    }

    // ---------------------------------------------------------------------------------------------- Signing

    function voucher(uint256 key, bytes32 id, uint128 amount) internal view returns (bytes memory) {
        return signed(key, escrow.getVoucherDigest(id, amount));
    }

    function signed(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The same signature in its other form, which `ecrecover` takes as well.
    function highS(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, bytes32(N - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    /// @dev EIP-3009 in favour of the escrow, valid now.
    function authorization(uint256 key, uint256 value, bytes32 nonce) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(),
                vm.addr(key),
                address(escrow),
                value,
                uint256(0),
                type(uint256).max,
                nonce
            )
        );
        return signed(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
    }

    // ---------------------------------------------------------------------------------------------- Reading

    function get(bytes32 id) internal view returns (IChannelEscrow.Channel memory) {
        return escrow.getChannel(id);
    }

    function expectEvent() internal {
        vm.expectEmit(true, true, true, true, address(escrow));
    }

    function expectError(bytes4 selector) internal {
        vm.expectRevert(abi.encodeWithSelector(selector));
    }

    function expectError(bytes4 selector, bytes32 id) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, id));
    }

    function expectError(bytes4 selector, bytes32 id, uint256 asked, uint256 limit) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, id, asked, limit));
    }

    function expectError(bytes4 selector, bytes32 id, address caller, address allowed) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, id, caller, allowed));
    }

    function expectInvalidSignature(bytes32 id, address signer_, uint128 amount) internal {
        bytes32 digest = escrow.getVoucherDigest(id, amount);
        vm.expectRevert(abi.encodeWithSelector(IChannelEscrow.InvalidSignature.selector, id, signer_, digest));
    }
}
