// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// @title TestMultiToken: an ERC-1155 for token gates on local chains. ANYBODY CAN MINT AND BURN IT.
contract TestMultiToken is ERC1155 {
    constructor(string memory uri_) ERC1155(uri_) {}

    /// @notice Gives `to` an amount of token `id` out of nothing.
    function mint(address to, uint256 id, uint256 amount) external {
        _mint(to, id, amount, "");
    }

    /// @notice Takes an amount of token `id` away from whoever holds it.
    function burn(address from, uint256 id, uint256 amount) external {
        _burn(from, id, amount);
    }
}
