//! Details of `quota_exceeded`.

use super::fixtures::hex;
use relay_proto::quota::{Quota, QuotaDetail};
use serde_json::{Value, json};

/// `quotas.json`.
pub(crate) fn vector() -> Value {
    let rows: Vec<Value> = Quota::ALL
        .into_iter()
        .map(|quota| {
            let used = 1000 + u64::from(quota.number());
            let detail = QuotaDetail { quota, used, allowed: relay_proto::wire::U64_MAX, needed: 1 };
            let bytes = detail.encode();
            assert_eq!(QuotaDetail::decode(&bytes), Ok(detail));
            json!({
                "quota": name(quota), "used": used, "allowed": detail.allowed, "needed": 1, "hex": hex(&bytes),
            })
        })
        .collect();
    let refused = [
        "",
        "01",
        "00000000000003e80000000000000001000000000000000001",
        "09000000000000000100000000000000010000000000000001",
    ];
    for text in refused {
        let bytes: Vec<u8> =
            (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert!(QuotaDetail::decode(&bytes).is_err(), "{text}");
    }
    json!({
        "description": "Details of the error quota_exceeded, and bytes that are none this version knows.",
        "details": rows,
        "refused": refused,
    })
}

fn name(quota: Quota) -> &'static str {
    match quota {
        Quota::SpaceEntries => "space_entries",
        Quota::SpaceBytes => "space_bytes",
        Quota::SpaceConnections => "space_connections",
        Quota::TenantEntries => "tenant_entries",
        Quota::TenantBytes => "tenant_bytes",
        Quota::TenantConnections => "tenant_connections",
        Quota::TenantSpaces => "tenant_spaces",
        Quota::SponsoredSpaces => "sponsored_spaces",
    }
}
