//! Who looked, what the log holds, and the keys themselves.

use super::clear::{ACCESS, CODE, WHEN};
use super::{Ends, Holding, NOBODY, OwnCopy, Owner, Whose, clear, key, neutral, proof, sealed};
use crate::keys::Class;

/// The log cannot lose an entry and still be verified; what it says of a person is sealed beside it.
const LOG: Ends = Ends::Stays(
    "the log is kept by legal duty (purpose audit.log, LGPD art. 11 II a). It holds tags, hashes and HMACs; \
        a tag leads to nobody once its key is destroyed",
);
/// The log is verified as a whole, by whoever is given an export.
const LOGGED: OwnCopy =
    OwnCopy::Not("the log: the copy shows who looked and each consent act from their own tables");

pub(super) const HOLDINGS: &[Holding] = &[
    Holding {
        table: "looks",
        whose: Whose::Both,
        columns: &[
            key("patient_key"),
            key("viewer"),
            clear("role", ACCESS),
            clear("what", ACCESS),
            clear("code", CODE),
            clear("at", WHEN),
        ],
        ends: Ends::Pseudonymous,
        copy: OwnCopy::Held,
        retention: None,
    },
    Holding {
        table: "reveals",
        whose: Whose::Both,
        columns: &[
            key("patient_key"),
            key("asker"),
            sealed("reason", Class::Audit, Owner::Patient),
            key("decided_by"),
            clear("approved", ACCESS),
        ],
        ends: Ends::KeyDestroyed {
            remains: "who asked when to know who it is, and what was answered, by ids",
        },
        copy: OwnCopy::Not(
            "that a name was shown is among the looks; the request and its reason are left out today",
        ),
        retention: None,
    },
    Holding {
        table: "withdrawals",
        whose: Whose::Both,
        columns: &[clear("what", ACCESS)],
        ends: Ends::Stays(
            "a restore takes away again what was taken away since, destroyed keys among it: ids, purposes \
                and roles only",
        ),
        copy: OwnCopy::Not("what a restore does again: each is an act that another table holds"),
        retention: None,
    },
    Holding {
        table: "subject_keys",
        whose: Whose::Both,
        columns: &[
            key("subject"),
            neutral("wrapped", "a person's key, wrapped; emptied when it is destroyed"),
            clear("destroyed_at", WHEN),
        ],
        ends: Ends::Stays("that a key was destroyed, and when, is what shows the elimination: an id, no key"),
        copy: OwnCopy::Not("keys tell nothing of a person and open everything"),
        retention: None,
    },
    Holding {
        table: "kek_epochs",
        whose: Whose::Nobody,
        columns: &[neutral("fingerprint", "tells that a key file fits, and nothing of the key")],
        ends: Ends::NotPersonal,
        copy: NOBODY,
        retention: None,
    },
    Holding {
        table: "audit_entries",
        whose: Whose::Both,
        columns: &[proof(
            "entry",
            "an entry's canonical bytes until it is in a bundle: tags, codes and hashes",
        )],
        ends: LOG,
        copy: LOGGED,
        retention: None,
    },
    Holding {
        table: "audit_bodies",
        whose: Whose::Both,
        columns: &[
            proof("hash", "the hash by which its entry commits to a body"),
            key("subject"),
            // In clear where the entry says so (`Act::public`): then it is nobody's, and every export carries it.
            sealed("bytes", Class::Audit, Owner::Subject),
        ],
        ends: Ends::KeyDestroyed {
            remains: "whose body it was, by id, and the hash that its entry commits to",
        },
        copy: LOGGED,
        retention: None,
    },
    Holding {
        table: "audit_bundles",
        whose: Whose::Both,
        columns: &[proof("bytes", "entries as a tree holds them: tags, codes and hashes")],
        ends: LOG,
        copy: LOGGED,
        retention: None,
    },
    Holding {
        table: "audit_tiles",
        whose: Whose::Nobody,
        columns: &[proof("bytes", "hashes of a tree")],
        ends: Ends::NotPersonal,
        copy: NOBODY,
        retention: None,
    },
    Holding {
        table: "audit_checkpoints",
        whose: Whose::Nobody,
        columns: &[proof("root", "the hash of a tree")],
        ends: Ends::NotPersonal,
        copy: NOBODY,
        retention: None,
    },
    Holding {
        table: "audit_years",
        whose: Whose::Nobody,
        columns: &[],
        ends: Ends::NotPersonal,
        copy: NOBODY,
        retention: None,
    },
    Holding {
        table: "receipts_open",
        whose: Whose::Patient,
        columns: &[proof("pack", "a device's number, counts, codes and an HMAC for each message")],
        ends: LOG,
        copy: LOGGED,
        retention: Some("audit::receipts::pack"),
    },
    Holding {
        table: "receipts",
        whose: Whose::Patient,
        columns: &[proof("pack", "a device's number, counts, codes and an HMAC for each message")],
        ends: LOG,
        copy: LOGGED,
        retention: None,
    },
];
