// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelEscrow} from "../../contracts/ChannelEscrow.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {Test} from "./utils/Test.sol";

/// @dev That the contracts hash as contracts/vectors/digests.json says. The contracts are put where each case has them.
contract VectorsTest is Test {
    string private json;
    string private at;

    function test_Vectors() public {
        json = vm.readFile(string.concat(vm.projectRoot(), "/contracts/vectors/digests.json"));
        uint256 i = 0;
        for (; vm.keyExistsJson(json, string.concat(".vectors[", vm.toString(i), "]")); ++i) {
            at = string.concat(".vectors[", vm.toString(i), "].");
            vm.chainId(number("chainId"));
            checkEscrow();
            checkToken();
        }
        assertTrue(i >= 8, "at least eight cases");
    }

    function checkEscrow() private {
        ChannelEscrow escrow = ChannelEscrow(account("escrow"));
        vm.etch(address(escrow), address(new ChannelEscrow()).code);
        bytes32 id = word("channelId");
        address payer = vm.addr(uint256(word("key")));
        assertEq(payer, account("payer"), "payer");
        assertEq(escrow.domainSeparator(), word("domainSeparator"), "domainSeparator");
        assertEq(
            escrow.computeChannelId(
                payer, account("payee"), account("token"), word("salt"), account("authorizedSigner")
            ),
            id,
            "channelId"
        );
        bytes32 digest = escrow.getVoucherDigest(id, uint128(number("cumulativeAmount")));
        assertEq(digest, word("voucherDigest"), "voucherDigest");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(uint256(word("key")), digest);
        assertEq(
            keccak256(abi.encodePacked(r, s, v)),
            keccak256(vm.parseJsonBytes(json, string.concat(at, "voucherSignature"))),
            "voucherSignature"
        );
        assertEq(
            escrow.computeOpenNonce(
                payer, account("payee"), account("token"), word("salt"), account("authorizedSigner")
            ),
            word("openNonce"),
            "openNonce"
        );
        assertEq(
            escrow.computeTopUpNonce(id, uint128(number("additionalDeposit")), payer, word("topUpSalt")),
            word("topUpNonce"),
            "topUpNonce"
        );
    }

    function checkToken() private {
        TestToken token = TestToken(account("token"));
        string memory name = vm.parseJsonString(json, string.concat(at, "tokenName"));
        string memory version = vm.parseJsonString(json, string.concat(at, "tokenVersion"));
        vm.etch(address(token), address(new TestToken(name, "T", version, 6)).code);
        assertEq(token.DOMAIN_SEPARATOR(), word("tokenDomainSeparator"), "tokenDomainSeparator");
        assertEq(
            authorizationDigest(token, number("deposit"), word("openNonce")),
            word("openAuthorizationDigest"),
            "openAuthorizationDigest"
        );
        assertEq(
            authorizationDigest(token, number("additionalDeposit"), word("topUpNonce")),
            word("topUpAuthorizationDigest"),
            "topUpAuthorizationDigest"
        );
    }

    function authorizationDigest(TestToken token, uint256 value, bytes32 nonce) private view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(),
                account("payer"),
                account("escrow"),
                value,
                number("validAfter"),
                number("validBefore"),
                nonce
            )
        );
        return keccak256(abi.encodePacked(hex"1901", word("tokenDomainSeparator"), structHash));
    }

    function word(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(at, key));
    }

    function account(string memory key) private view returns (address) {
        return vm.parseJsonAddress(json, string.concat(at, key));
    }

    function number(string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(at, key));
    }
}
