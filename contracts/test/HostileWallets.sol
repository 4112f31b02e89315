// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Contract wallets that misbehave when asked about a signature (ERC-1271), one way each. For tests only.
contract HostileWallet {
    enum Mode {
        Deny, // answers properly: no
        Revert,
        BurnGas,
        ShortAnswer, // fewer than 32 bytes, starting with the right ones
        DirtyAnswer, // the right four bytes, then rubbish
        LongAnswer, // as much rubbish as its gas can buy
        RevertYes // reverts, with the right answer as its reason
    }

    Mode public mode;

    constructor(Mode mode_) {
        mode = mode_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (mode == Mode.Revert) revert("HostileWallet: no");
        if (mode == Mode.BurnGas) while (true) {}
        assembly {
            let kind := and(sload(mode.slot), 0xff)
            mstore(0x00, shl(224, 0x1626ba7e))
            if eq(kind, 3) { return(0x00, 0x1f) }
            if eq(kind, 4) {
                mstore(0x00, or(shl(224, 0x1626ba7e), 1))
                return(0x00, 0x20)
            }
            if eq(kind, 6) { revert(0x00, 0x20) }
            if eq(kind, 5) {
                mstore(0x00, not(0))
                return(0x00, 200000)
            }
        }
        return 0xffffffff;
    }
}
