//! What somebody is told whose account keeps as much as it may.

use relay_core::documents::QuotaDetail;

/// One sentence, with a part for programs that stays as it is.
pub(crate) fn sentence(QuotaDetail { quota, used, allowed, needed }: QuotaDetail) -> String {
    let name = quota.name();
    format!(
        "The account of this token keeps as much as it may! (quota={name} used={used} allowed={allowed} needed={needed})"
    )
}
