// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Proofs over an RFC 9162 Merkle log
/// @notice SHA-256 throughout, so that anybody can check the same proofs with a standard library: leaf = H(0x00 || data),
///         node = H(0x01 || left || right). It knows nothing of who may write to a log.
library LogProof {
    /// @notice Whether `leaf` (a leaf hash) stands at `index` in the tree of `size` leaves with `root`. RFC 9162 2.1.3.2.
    function includes(bytes32 leaf, uint64 index, uint64 size, bytes32 root, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (index >= size) return false;
        uint256 fn = index;
        uint256 sn = size - 1;
        bytes32 hash = leaf;
        for (uint256 i = 0; i < proof.length; ++i) {
            if (sn == 0) return false;
            bytes32 sibling = proof[i];
            if (fn & 1 == 1 || fn == sn) {
                hash = node(sibling, hash);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                hash = node(hash, sibling);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && hash == root;
    }

    /// @notice Whether the tree of `newSize` leaves with `newRoot` only extends the one of `oldSize` leaves with `oldRoot`.
    ///         RFC 9162 2.1.4.2. Every tree extends the empty one, with an empty proof.
    function extends(uint64 oldSize, bytes32 oldRoot, uint64 newSize, bytes32 newRoot, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (oldSize > newSize) return false;
        if (oldSize == newSize) return oldRoot == newRoot && proof.length == 0;
        if (oldSize == 0) return proof.length == 0;
        // A complete old tree is itself the first node of the path, so provers leave it out.
        bool complete = oldSize & (oldSize - 1) == 0;
        if (proof.length == 0) return false;
        uint256 fn = oldSize - 1;
        uint256 sn = newSize - 1;
        while (fn & 1 == 1) {
            fn >>= 1;
            sn >>= 1;
        }
        bytes32 fr = complete ? oldRoot : proof[0];
        bytes32 sr = fr;
        for (uint256 i = complete ? 0 : 1; i < proof.length; ++i) {
            if (sn == 0) return false;
            bytes32 sibling = proof[i];
            if (fn & 1 == 1 || fn == sn) {
                fr = node(sibling, fr);
                sr = node(sibling, sr);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                sr = node(sr, sibling);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && fr == oldRoot && sr == newRoot;
    }

    /// @notice The hash of an inner node.
    function node(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        // sha256(abi.encodePacked(bytes1(0x01), left, right)) in unclaimed memory: a proof calls it up to 128 times.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 0x01)
            mstore(add(free, 1), left)
            mstore(add(free, 33), right)
            if iszero(staticcall(gas(), 0x02, free, 65, 0x00, 32)) { revert(0, 0) }
            hash := mload(0x00)
        }
    }
}
