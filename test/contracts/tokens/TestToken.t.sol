// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TestToken} from "../../../contracts/test/TestToken.sol";
import {TestWallet} from "../../../contracts/test/TestWallet.sol";
import {Test} from "../utils/Test.sol";

/// @dev That the stand-in behaves as USDC v2.2 does where clients and gateways rely on it.
contract TestTokenTest is Test {
    uint256 private constant KEY = 0xA11CE;
    bytes32 private constant NONCE = keccak256("nonce");

    TestToken private token;
    address private from = vm.addr(KEY);
    address private to = address(0xB0B);

    function setUp() public {
        vm.warp(1_800_000_000);
        token = new TestToken("USD Coin", "USDC", "2", 6);
        token.mint(from, 100);
    }

    function sign(bytes32 structHash) private view returns (uint8 v, bytes32 r, bytes32 s) {
        return vm.sign(KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
    }

    function transferHash(address from_) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                token.TRANSFER_WITH_AUTHORIZATION_TYPEHASH(), from_, to, 7, 0, type(uint256).max, NONCE
            )
        );
    }

    function cancelHash() private view returns (bytes32) {
        return keccak256(abi.encode(token.CANCEL_AUTHORIZATION_TYPEHASH(), from, NONCE));
    }

    /// The type hashes are those published in EIP-3009 and used by USDC.
    function test_TypeHashes() public view {
        assertEq(
            token.TRANSFER_WITH_AUTHORIZATION_TYPEHASH(),
            0x7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267,
            "transfer"
        );
        assertEq(
            token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(),
            0xd099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8,
            "receive"
        );
        assertEq(
            token.CANCEL_AUTHORIZATION_TYPEHASH(),
            0x158b0a9edf7a828aad02f63cd515c68ef2f50ba807396f6d12842833a1597429,
            "cancel"
        );
    }

    function test_Metadata() public {
        assertEq(token.decimals(), 6, "decimals");
        assertEq(new TestToken("Dai", "DAI", "1", 18).decimals(), 18, "decimals");
        assertEq(keccak256(bytes(token.version())), keccak256("2"), "version");
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("USD Coin"),
                keccak256("2"),
                block.chainid,
                address(token)
            )
        );
        assertEq(token.DOMAIN_SEPARATOR(), domain, "domain");
    }

    function test_TransferWithAuthorization_BothForms() public {
        (uint8 v, bytes32 r, bytes32 s) = sign(transferHash(from));
        token.transferWithAuthorization(from, to, 7, 0, type(uint256).max, NONCE, v, r, s);
        assertEq(token.balanceOf(to), 7, "moved");
        assertTrue(token.authorizationState(from, NONCE), "used");
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "FiatTokenV2: authorization is used or canceled"));
        token.transferWithAuthorization(from, to, 7, 0, type(uint256).max, NONCE, abi.encodePacked(r, s, v));
    }

    function test_TransferWithAuthorization_ContractWallet() public {
        TestWallet wallet = new TestWallet(from);
        token.mint(address(wallet), 7);
        (uint8 v, bytes32 r, bytes32 s) = sign(transferHash(address(wallet)));
        token.transferWithAuthorization(
            address(wallet), to, 7, 0, type(uint256).max, NONCE, abi.encodePacked(r, s, v)
        );
        assertEq(token.balanceOf(to), 7, "moved");
    }

    function test_CancelAuthorization_BothForms() public {
        (uint8 v, bytes32 r, bytes32 s) = sign(cancelHash());
        token.cancelAuthorization(from, NONCE, v, r, s);
        assertTrue(token.authorizationState(from, NONCE), "cancelled");
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "FiatTokenV2: authorization is used or canceled"));
        token.cancelAuthorization(from, NONCE, abi.encodePacked(r, s, v));
    }

    function test_CancelAuthorization_BySomebodyElse() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY + 1, cancelHash());
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "FiatTokenV2: invalid signature"));
        token.cancelAuthorization(from, NONCE, v, r, s);
    }

    function test_Permit() public {
        bytes32 structHash =
            keccak256(abi.encode(token.PERMIT_TYPEHASH(), from, to, 9, uint256(0), block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) = sign(structHash);
        token.permit(from, to, 9, block.timestamp, v, r, s);
        assertEq(token.allowance(from, to), 9, "allowance");
        assertEq(token.nonces(from), 1, "nonce");
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "EIP2612: invalid signature"));
        token.permit(from, to, 9, block.timestamp, abi.encodePacked(r, s, v));
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "FiatTokenV2: permit is expired"));
        token.permit(from, to, 9, block.timestamp - 1, abi.encodePacked(r, s, v));
    }
}
