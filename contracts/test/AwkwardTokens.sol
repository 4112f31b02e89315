// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Tokens that keep to their standard and are awkward all the same. For tests only.

/// @notice Refuses to pay out more than a cap in one transfer, as tokens with limits do. Pulls are not limited.
contract CappedToken is ERC20 {
    uint256 public cap = type(uint256).max;

    error TransferAboveCap(uint256 value, uint256 cap);

    constructor() ERC20("Capped", "CAP") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function limit(uint256 cap_) external {
        cap = cap_;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        if (value > cap) revert TransferAboveCap(value, cap);
        return super.transfer(to, value);
    }
}

/// @notice EIP-3009 as it was first written, with `v, r, s` and nothing else: no overload with `bytes`.
contract OlderToken is ERC20, EIP712 {
    bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    constructor() ERC20("Older USD", "OUSD") EIP712("Older USD", "1") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        require(block.timestamp > validAfter, "FiatTokenV2: authorization is not yet valid");
        require(block.timestamp < validBefore, "FiatTokenV2: authorization is expired");
        require(!authorizationState[from][nonce], "FiatTokenV2: authorization is used or canceled");
        bytes32 structHash = keccak256(
            abi.encode(TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce)
        );
        require(ECDSA.recover(_hashTypedDataV4(structHash), v, r, s) == from, "FiatTokenV2: invalid signature");
        authorizationState[from][nonce] = true;
        emit AuthorizationUsed(from, nonce);
        _transfer(from, to, value);
    }
}

/// @notice Takes EIP-3009 transfers and says nothing about them: no `authorizationState`, no `AuthorizationUsed`.
contract MuteToken is ERC20, EIP712 {
    bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    mapping(address authorizer => mapping(bytes32 nonce => bool)) private _used;

    constructor() ERC20("Mute USD", "MUSD") EIP712("Mute USD", "1") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        require(block.timestamp > validAfter && block.timestamp < validBefore, "FiatTokenV2: authorization is expired");
        require(!_used[from][nonce], "FiatTokenV2: authorization is used or canceled");
        bytes32 structHash = keccak256(
            abi.encode(TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce)
        );
        require(ECDSA.recover(_hashTypedDataV4(structHash), signature) == from, "FiatTokenV2: invalid signature");
        _used[from][nonce] = true;
        _transfer(from, to, value);
    }
}

/// @notice Logs whatever it is asked for and moves nothing, or keeps half of it: its logs lie.
contract ForgingToken is ERC20 {
    bool public keepsHalf;

    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    constructor() ERC20("Forged USD", "FUSD") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function keepHalf(bool keepsHalf_) external {
        keepsHalf = keepsHalf_;
    }

    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256,
        uint256,
        bytes32 nonce,
        bytes calldata
    ) external {
        authorizationState[from][nonce] = true;
        emit AuthorizationUsed(from, nonce);
        emit Transfer(from, to, value);
        if (!keepsHalf) return;
        _burn(from, value / 2);
        _give(to, value / 2);
    }

    /// @dev Without a log.
    function _give(address to, uint256 value) private {
        bytes32 slot = keccak256(abi.encode(to, uint256(0)));
        assembly ("memory-safe") {
            sstore(slot, add(sload(slot), value))
        }
    }
}
