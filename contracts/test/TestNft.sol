// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title TestNft: an ERC-721 for token gates on local chains. ANYBODY CAN MINT AND BURN IT.
contract TestNft is ERC721 {
    uint256 private _next = 1;

    constructor(string memory name_, string memory symbol_) ERC721(name_, symbol_) {}

    /// @notice Mints the next id, counted from 1, to `to`.
    function mint(address to) external returns (uint256 id) {
        id = _next++;
        _mint(to, id);
    }

    /// @notice Removes an id, whoever holds it.
    function burn(uint256 id) external {
        _burn(id);
    }
}
