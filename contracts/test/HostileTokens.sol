// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Tokens that misbehave, one way each. For tests only.

/// @notice Keeps one hundredth of every transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee on transfer", "FEE") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) ? 0 : value / 100;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0xfee), fee);
    }
}

/// @notice Answers false instead of reverting, and moves nothing, once it is told to fail.
contract FalseToken is ERC20 {
    bool public failing;

    constructor() ERC20("False on failure", "FALSE") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function fail(bool failing_) external {
        failing = failing_;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return !failing && super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return !failing && super.transferFrom(from, to, value);
    }
}

/// @notice Says true and moves nothing; and, like wrapped ether, has a fallback that swallows any other call.
contract LyingToken is ERC20 {
    constructor() ERC20("Says true", "LIE") {}

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }

    fallback() external {}
}

/// @notice Returns nothing from `transfer` and `transferFrom`, as the oldest tokens do.
contract SilentToken {
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    function transfer(address to, uint256 value) external {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
    }

    function transferFrom(address from, address to, uint256 value) external {
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// @notice Calls back in the middle of every transfer, once armed: `target.call(data)`. Remembers what came of it.
contract ReentrantToken is ERC20 {
    address public target;
    bytes public data;
    bool public reentered;
    bytes public answer;

    constructor() ERC20("Calls back", "BACK") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0)) return;
        address armed = target;
        target = address(0);
        (reentered, answer) = armed.call(data);
    }

    /// @dev Lets the token be a channel's payer or payee itself, so that it passes the checks of who is calling.
    function execute(address to, bytes calldata call_) external returns (bytes memory result) {
        bool ok;
        (ok, result) = to.call(call_);
        require(ok, "ReentrantToken: call failed");
    }
}
