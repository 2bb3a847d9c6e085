// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {LogProof} from "./LogProof.sol";
import {ISettlementAuditLog, ISettlementAuditLogErrors as Refused} from "./interfaces/ISettlementAuditLog.sol";

/// @title The audit log of settlements: it refuses a rewritten history
/// @notice Every head must prove that it only extends the one before. There is no upgrade, no owner override, no delegatecall
///         and no ether. An administrator can stop writing and close the log; nobody can change or delete what stands.
contract SettlementAuditLog is ISettlementAuditLog, AccessControlDefaultAdminRules {
    bytes32 public constant ANCHOR_ROLE = keccak256("ANCHOR_ROLE");
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    bytes32 public constant WITNESS_ROLE = keccak256("WITNESS_ROLE");
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant HEAD_TYPEHASH = keccak256("Head(uint64 seq,uint64 size,bytes32 root)");

    /// @notice Which log this is: SHA-256 of its origin line.
    bytes32 public immutable originHash;
    /// @notice Seconds that must pass between two heads: it bounds what a stolen anchoring key can do.
    uint64 public immutable minInterval;
    /// @notice How many witnesses must sign each head. Fixed at deployment.
    uint8 public immutable witnessThreshold;

    /// @dev One storage slot.
    struct State {
        uint64 seq;
        uint64 size;
        uint64 time;
        bool paused;
        bool closed;
    }

    State private _state;
    bytes32 private _root;
    bytes32 private _acc;
    bytes32 private _sealPlan;
    uint64 private _sealDue;
    Predecessor private _predecessor;

    /// @notice Where the log goes on after it was sealed.
    address public successor;
    mapping(bytes32 key => bytes32 commitment) public record;
    mapping(bytes32 key => bytes32 laterKey) public supersededBy;

    constructor(
        address admin,
        uint48 adminDelay,
        address anchorer,
        address pauser,
        bytes32 origin,
        uint64 interval,
        uint8 threshold,
        address[] memory witnesses,
        ISettlementAuditLog before
    ) AccessControlDefaultAdminRules(adminDelay, admin) {
        originHash = origin;
        minInterval = interval;
        witnessThreshold = threshold;
        _acc = origin;
        _grantRole(ANCHOR_ROLE, anchorer);
        _grantRole(PAUSER_ROLE, pauser);
        for (uint256 i = 0; i < witnesses.length; ++i) {
            _grantRole(WITNESS_ROLE, witnesses[i]);
        }
        if (address(before) != address(0)) {
            Head memory last = before.head();
            _predecessor = Predecessor(address(before), last.size, last.root);
        }
    }

    modifier whenOpen() {
        if (_state.closed) revert Refused.SealedLog();
        if (_state.paused) revert Refused.Paused();
        _;
    }

    /// @inheritdoc ISettlementAuditLog
    function anchor(uint64 seq, uint64 size, bytes32 root, bytes32[] calldata proof, bytes[] calldata sigs)
        external
        onlyRole(ANCHOR_ROLE)
    {
        State memory last = _state;
        if (seq == last.seq && size == last.size && root == _root && seq != 0) return;
        _append(last, seq, size, root, proof, sigs);
    }

    function _append(
        State memory last,
        uint64 seq,
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof,
        bytes[] calldata sigs
    ) private whenOpen {
        if (seq != last.seq + 1) revert Refused.WrongSeq();
        if (size <= last.size) revert Refused.NotGrowing();
        if (last.seq != 0 && block.timestamp < last.time + minInterval) revert Refused.TooSoon();
        _checkWitnesses(seq, size, root, sigs);
        if (!LogProof.extends(last.size, _root, size, root, proof)) revert Refused.BadConsistency();

        bytes32 acc = sha256(abi.encodePacked(_acc, seq, size, root));
        _state = State(seq, size, uint64(block.timestamp), false, false);
        _root = root;
        _acc = acc;
        emit Anchored(seq, last.size, size, root, acc);
    }

    function _checkWitnesses(uint64 seq, uint64 size, bytes32 root, bytes[] calldata sigs) private view {
        if (sigs.length < witnessThreshold) revert Refused.NotEnoughWitnesses();
        if (sigs.length == 0) return;
        bytes32 message = keccak256(abi.encode(HEAD_TYPEHASH, seq, size, root));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domainSeparator(), message));
        address last;
        for (uint256 i = 0; i < sigs.length; ++i) {
            (address signer,,) = ECDSA.tryRecover(digest, sigs[i]);
            // Ascending addresses: nobody counts twice.
            if (signer <= last || !hasRole(WITNESS_ROLE, signer)) revert Refused.NotEnoughWitnesses();
            last = signer;
        }
    }

    /// @inheritdoc ISettlementAuditLog
    function domainSeparator() public view returns (bytes32) {
        bytes32 name = keccak256("CACO SettlementAuditLog");
        return keccak256(abi.encode(DOMAIN_TYPEHASH, name, keccak256("1"), block.chainid, address(this)));
    }

    /// @inheritdoc ISettlementAuditLog
    function recordBatch(Entry[] calldata entries) external onlyRole(ANCHOR_ROLE) whenOpen {
        for (uint256 i = 0; i < entries.length; ++i) {
            _record(entries[i]);
        }
    }

    function _record(Entry calldata entry) private {
        bytes32 id = entry.settlementId;
        bytes32 commitment = entry.commitment;
        if (id == 0 || commitment == 0) revert Refused.ZeroCommitment();
        bytes2 run = entry.run;
        bytes32 key = recordKey(id, run);
        bytes32 old = entry.supersedes;
        bytes32 standing = record[key];
        if (standing != 0) {
            if (standing != commitment || (old != 0 && supersededBy[old] != key)) revert Refused.Conflict(key);
            return;
        }
        if (old != 0) {
            if (record[old] == 0) revert Refused.UnknownPredecessor();
            if (supersededBy[old] != 0) revert Refused.AlreadySuperseded();
            supersededBy[old] = key;
        }
        record[key] = commitment;
        emit SettlementRecorded(key, id, old, run, commitment);
    }

    /// @inheritdoc ISettlementAuditLog
    function pause() external onlyRole(PAUSER_ROLE) {
        _setPaused(true);
    }

    /// @inheritdoc ISettlementAuditLog
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setPaused(false);
    }

    function _setPaused(bool paused) private {
        if (_state.closed) revert Refused.SealedLog();
        _state.paused = paused;
        emit Paused(paused);
    }

    /// @inheritdoc ISettlementAuditLog
    function seal(address to, bytes32 reason) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (_state.closed) revert Refused.SealedLog();
        bytes32 plan = keccak256(abi.encode(to, reason));
        if (plan != _sealPlan) {
            _sealPlan = plan;
            _sealDue = uint64(block.timestamp) + defaultAdminDelay();
            emit SealAnnounced(to, reason, _sealDue);
            return;
        }
        if (block.timestamp < _sealDue) revert Refused.TooSoon();
        _state.closed = true;
        successor = to;
        emit Sealed(to, _state.size, _root);
    }

    /// @inheritdoc ISettlementAuditLog
    function head() external view returns (Head memory) {
        State memory last = _state;
        return Head(last.seq, last.size, last.time, last.paused, _root, _acc);
    }

    /// @notice Whether the log is closed for good.
    function isSealed() external view returns (bool) {
        return _state.closed;
    }

    /// @notice The contract this one took over from, or zeros.
    function predecessor() external view returns (Predecessor memory) {
        return _predecessor;
    }

    /// @inheritdoc ISettlementAuditLog
    function recordKey(bytes32 settlementId, bytes2 run) public view returns (bytes32 key) {
        // sha256(abi.encodePacked(settlementId, run)) in scratch memory: a batch calls it 200 times.
        assembly ("memory-safe") {
            mstore(0x00, settlementId)
            mstore(0x20, run)
            if iszero(staticcall(gas(), 0x02, 0x00, 34, 0x00, 32)) { revert(0, 0) }
            key := mload(0x00)
        }
    }

    /// @inheritdoc ISettlementAuditLog
    function verifyInclusion(bytes32 leaf, uint64 index, uint64 size, bytes32 root, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return LogProof.includes(leaf, index, size, root, proof);
    }

    /// @inheritdoc ISettlementAuditLog
    function verifyConsistency(
        uint64 oldSize,
        bytes32 oldRoot,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return LogProof.extends(oldSize, oldRoot, newSize, newRoot, proof);
    }
}
