/// A rule on which it rests that no two hosts hold a claim at once, that tokens never go back, and that it goes on.
///
/// A host keeps all of them. A test takes one away, and sees that the model then finds what the rule is for.
enum LeaseRule: CaseIterable, Sendable {
    /// Who sees a new epoch takes nothing and declares nobody dead for the length of a lease.
    case settling
    /// Tokens begin at the epoch's base.
    case epochBase
    /// Tokens are above the one in the record.
    case recordedToken
    /// The token of a claim without a record is above those of records that were removed.
    case sweptToken
    /// A renewal looks at the claims that are held.
    case claimsInRenewal
    /// A host is dead when its record did not change for the length of a lease, not sooner.
    case deathAfterLease
    /// A claim is taken on condition that its holder's record is as it was seen.
    case holderCondition
    /// A commit of which nobody knows whether it was done counts as not done, until it is read.
    case unknownIsUndone
    /// A record with this host's incarnation is its own, also where it does not know that it wrote it.
    case ownRecordIsMine
    /// A lease counts from before its request was sent, not from when the answer came.
    case leaseFromSend
    /// An earlier life of this host is awaited unless its process is known to be gone.
    case earlierLifeWaits
    /// Sessions have ended before others may take over.
    case killBeforeTakeover
    /// A claim that a host does not want, and of which the store says that it holds it, is given back.
    case strays
    /// A claim that moves goes to the host that is the first for it.
    case rebalance
}
