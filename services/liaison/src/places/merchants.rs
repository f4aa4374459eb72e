//! What liaison knows of merchants, out of the registry's news: whose premises they are on, and whether they are open.

use platform::{Error, Result, Tx};
use proto::names::{HouseholdName, MerchantName};
use proto::registry::v1 as pb;

/// A merchant, as its news tells it.
#[derive(Debug, Clone)]
pub(crate) struct Merchant {
    pub(crate) name: MerchantName,
    pub(crate) landlord: HouseholdName,
    pub(crate) open: bool,
    pub(crate) revision: i64,
}

impl TryFrom<pb::MerchantChanged> for Merchant {
    type Error = Error;

    fn try_from(news: pb::MerchantChanged) -> Result<Self> {
        Ok(Self {
            name: news.name.parse().map_err(Error::internal)?,
            landlord: news.landlord.parse().map_err(Error::internal)?,
            open: news.state() != pb::MerchantState::Closed,
            revision: news.revision,
        })
    }
}

/// Keeps what is newer than what is known.
pub(crate) async fn merchants_keep(tx: &mut Tx, merchants: &[Merchant]) -> Result<()> {
    if merchants.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into merchant (village, id, landlord, open, revision)
         select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::boolean[], $5::bigint[])
         on conflict (village, id) do update
            set landlord = excluded.landlord, open = excluded.open, revision = excluded.revision
          where excluded.revision > merchant.revision",
    )
    .bind(merchants.iter().map(|merchant| merchant.name.village.to_string()).collect::<Vec<_>>())
    .bind(merchants.iter().map(|merchant| merchant.name.merchant).collect::<Vec<_>>())
    .bind(merchants.iter().map(|merchant| merchant.landlord.household).collect::<Vec<_>>())
    .bind(merchants.iter().map(|merchant| merchant.open).collect::<Vec<_>>())
    .bind(merchants.iter().map(|merchant| merchant.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
