/// What the reference says about a cluster's keys.
enum ClusterReference {
    /// `run_on`.
    static let runOn =
        ConfigurationWords(
            .cluster,
            "On which hosts of a cluster the routine runs: on each; on one at a time, where another one takes over when "
                + "that one is gone; or in shards, each of them on one at a time; for work that must not be done twice. It "
                + "needs cluster {}.",
            "run_on: \"one\"")
    /// `shards`.
    static let shards =
        ConfigurationWords(
            .cluster,
            "With run_on \"shards\", into how many parts the work is divided: each has a session and a worker of its own, and "
                + "knows its number. Equal on all hosts; three or more for each host spread well.",
            "shards: 16", unset: "none (run_on \"shards\" wants it)")
    /// `rebalance`.
    static let rebalance =
        ConfigurationWords(
            .cluster,
            "Whether a lease goes, after a cycle, to the host that is the first for it, once that one has been there for three "
                + "lease_ms: for an even spread, at the price of a handover.",
            "rebalance: \"move\"", unset: "sticky with run_on \"one\", move with \"shards\"")
    /// `cluster.store`.
    static let store =
        ConfigurationWords(
            .cluster,
            "The plugin in which the hosts of a cluster keep who runs what, by its id or file: all hosts that name one "
                + "server are a cluster. cluster {} is read when the host starts.",
            "cluster: { store: \"redis-store\" }", unset: "none (the host is in no cluster)")
    /// `cluster.cache_store`.
    static let cacheStore =
        ConfigurationWords(
            .cluster,
            "The plugin in whose store shared caches are, so that a store that may forget values is not the one that keeps "
                + "who runs what.",
            "cluster: { store: \"etcd-store\", cache_store: \"redis-store\" }", unset: "the one of cluster.store")
    /// `cluster.links`.
    static let links =
        ConfigurationWords(
            .cluster, "How many connections shared caches have to their store; more is for large values.",
            "cluster: { store: \"redis-store\", links: 4 }")
    /// `cluster.name`.
    static let name =
        ConfigurationWords(
            .cluster, "The name of the cluster, for several of them with one server.",
            "cluster: { store: \"redis-store\", name: \"test\" }")
    /// `cluster.lease_ms`.
    static let leaseMs =
        ConfigurationWords(
            .cluster,
            "After what time without a sign of life a host's routines are another one's, equal on all hosts; a shorter "
                + "one takes over sooner, a longer one bears the store's absence for longer (two thirds of it).",
            "cluster: { store: \"redis-store\", lease_ms: 4000 }")
    /// `cluster.weight`.
    static let weight =
        ConfigurationWords(
            .cluster, "How many of the routines that run on one host this one takes, compared with the others.",
            "cluster: { store: \"redis-store\", weight: 50 }")
}
