// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Why the audit log refuses
/// @notice Apart from ISettlementAuditLog, because an error and an event are both called Paused.
interface ISettlementAuditLogErrors {
    /// @notice Heads are numbered one by one; this number is not the next.
    error WrongSeq();
    /// @notice A new head must hold more leaves than the last.
    error NotGrowing();
    /// @notice The proof does not show that the new tree only extends the old one.
    error BadConsistency();
    /// @notice Less than the minimum interval since the last head, or a seal before its delay is over.
    error TooSoon();
    /// @notice A record without a settlement id or a commitment says nothing.
    error ZeroCommitment();
    /// @notice The record stands already and says something else. It can be superseded, never changed.
    error Conflict(bytes32 recordKey);
    /// @notice The record to be superseded does not stand here.
    error UnknownPredecessor();
    /// @notice The record was superseded by another one: chains of corrections are linear.
    error AlreadySuperseded();
    /// @notice Too few signatures of distinct witnesses in ascending order of their addresses.
    error NotEnoughWitnesses();
    /// @notice The log is closed for good; see successor().
    error SealedLog();
    /// @notice Writing is stopped until an administrator resumes it.
    error Paused();
}

/// @title An append-only log of settlements
/// @notice Hashes only: no price, no name, no energy ever stands here. Two things do. Heads of an RFC 9162 Merkle log, each
///         proven on chain to extend the one before. And one record for each settlement statement.
interface ISettlementAuditLog {
    /// @notice The newest head. `acc` folds every head ever accepted: acc' = SHA-256(acc || seq || size || root), the numbers
    ///         as 8 bytes big-endian, starting from originHash. A reader who replays Anchored events notices a missing one.
    struct Head {
        uint64 seq;
        uint64 size;
        uint64 time;
        bool paused;
        bytes32 root;
        bytes32 acc;
    }

    /// @notice One statement: salted hashes and the settlement run as two ASCII letters (II, SF, R1, R2, R3, RF, DF).
    ///         `supersedes` is the record key of the statement this one corrects, or zero.
    struct Entry {
        bytes32 settlementId;
        bytes32 commitment;
        bytes32 supersedes;
        bytes2 run;
    }

    /// @notice Where an earlier contract stood when this one took over.
    struct Predecessor {
        address log;
        uint64 size;
        bytes32 root;
    }

    event Anchored(uint64 indexed seq, uint64 prevSize, uint64 size, bytes32 root, bytes32 acc);
    event SettlementRecorded(
        bytes32 indexed recordKey,
        bytes32 indexed settlementId,
        bytes32 indexed supersedes,
        bytes2 run,
        bytes32 commitment
    );
    event SealAnnounced(address successor, bytes32 reason, uint64 due);
    event Sealed(address successor, uint64 size, bytes32 root);
    event Paused(bool paused);

    /// @notice Append head number `seq`: a tree of `size` leaves with `root`, with the consistency proof from the last head
    ///         and the witnesses' EIP-712 signatures. Sending the newest head again changes nothing and emits nothing.
    function anchor(uint64 seq, uint64 size, bytes32 root, bytes32[] calldata proof, bytes[] calldata sigs) external;

    /// @notice Record settlements. An entry that stands already is passed over; one that says something else reverts.
    function recordBatch(Entry[] calldata entries) external;

    /// @notice Stop new writes. Past state stays readable.
    function pause() external;

    /// @notice Let writing go on.
    function unpause() external;

    /// @notice Close the log for good. The first call announces it, the same call again after defaultAdminDelay() does it;
    ///         announcing something else replaces the announcement. `reason` is the SHA-256 of a document that says why.
    function seal(address successor, bytes32 reason) external;

    /// @notice The newest head.
    function head() external view returns (Head memory);

    /// @notice SHA-256(settlementId || run): the name of a record.
    function recordKey(bytes32 settlementId, bytes2 run) external view returns (bytes32);

    /// @notice The EIP-712 domain of the witnesses' signatures: this contract on this chain.
    function domainSeparator() external view returns (bytes32);

    /// @notice The commitment under a record key, or zero.
    function record(bytes32 key) external view returns (bytes32);

    /// @notice The record key that supersedes `key`, or zero.
    function supersededBy(bytes32 key) external view returns (bytes32);

    /// @notice Whether a leaf hash stands at `index` of the tree of `size` leaves with `root`. The caller compares `size` and
    ///         `root` with head() or with an Anchored event.
    function verifyInclusion(bytes32 leaf, uint64 index, uint64 size, bytes32 root, bytes32[] calldata proof)
        external
        view
        returns (bool);

    /// @notice Whether the second tree only extends the first.
    function verifyConsistency(
        uint64 oldSize,
        bytes32 oldRoot,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external view returns (bool);
}
