// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title TestWallet: the smallest contract wallet that signs (ERC-1271) and acts for one key
contract TestWallet is IERC1271 {
    address public owner;

    constructor(address owner_) {
        owner = owner_;
    }

    /// @notice Hands the wallet to another key, as a real wallet may at any time: earlier signatures stop counting.
    function rotate(address owner_) external {
        require(msg.sender == owner, "TestWallet: not the owner");
        owner = owner_;
    }

    /// @notice Calls `target` as the wallet.
    function execute(address target, bytes calldata data) external returns (bytes memory) {
        require(msg.sender == owner, "TestWallet: not the owner");
        (bool ok, bytes memory answer) = target.call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }

    function isValidSignature(bytes32 hash, bytes memory signature) external view returns (bytes4) {
        (address recovered, ECDSA.RecoverError problem,) = ECDSA.tryRecover(hash, signature);
        bool ok = problem == ECDSA.RecoverError.NoError && recovered == owner;
        return ok ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
