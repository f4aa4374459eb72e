//! Who serves a merchant: whoever serves its landlord's household, on a line that reaches merchants through their landlord.
//! It is asked of links and never stored.

use chrono::NaiveDate;
use platform::{Caller, Error, Page, Result, Tx};
use proto::names::{GridName, HouseholdName, LinkName, MemberName, MerchantName, VillageCode};
use uuid::Uuid;

use super::Links;
use crate::line::rules::LineKind;

/// Joins to each `merchant` of the village `$1` the link by which it is `served` on a day (a parameter); looked up by the
/// landlord, merchant by merchant, whatever the planner knows of the tables: there are some hundred.
macro_rules! served {
    ($day:literal) => {
        concat!(
            " left join lateral (
                  select link.id, link.representative, link.line, link.valid_from
                    from (select id, representative, line, valid_from
                            from link
                           where village = $1 and household = merchant.landlord
                             and valid_from <= ",
            $day,
            " and (valid_to is null or ",
            $day,
            " < valid_to)
                           order by valid_from desc
                           limit 1) as link
                    join line on line.village = $1 and line.kind = link.line and line.merchants_through_landlord
                  ) as served on true "
        )
    };
}

pub(crate) use served;

/// Which merchants a list shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) merchant: Option<Uuid>,
    pub(super) landlord: Option<Uuid>,
    pub(super) representative: Option<Uuid>,
    pub(super) unserved_only: bool,
}

/// A merchant that is open, and who serves it.
#[derive(Debug, Clone)]
pub(super) struct MerchantLink {
    pub(super) merchant: MerchantName,
    pub(super) landlord: HouseholdName,
    /// The landlord's, where news of that household has come.
    pub(super) number: Option<String>,
    pub(super) grid: Option<GridName>,
    /// None: nobody serves it.
    pub(super) served: Option<Served>,
}

/// The landlord's link.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) link: LinkName,
    pub(super) representative: MemberName,
    pub(super) line: LineKind,
    pub(super) since: NaiveDate,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    landlord: Uuid,
    number: Option<String>,
    grid: Option<String>,
    link: Option<Uuid>,
    representative: Option<Uuid>,
    line: Option<LineKind>,
    since: Option<NaiveDate>,
}

impl Row {
    fn read(self, village: VillageCode) -> Result<MerchantLink> {
        let served = (|| {
            Some(Served {
                link: LinkName::new(village, self.link?),
                representative: MemberName::new(village, self.representative?),
                line: self.line?,
                since: self.since?,
            })
        })();
        let grid = self.grid.map(|grid| grid.parse()).transpose().map_err(Error::internal)?;
        Ok(MerchantLink {
            merchant: MerchantName::new(village, self.id),
            landlord: HouseholdName::new(village, self.landlord),
            number: self.number,
            grid: grid.map(|grid| GridName::new(village, grid)),
            served,
        })
    }
}

impl Links {
    /// The merchants that are open, with who serves them on a day. Whoever sees some grids only is shown those whose landlord
    /// lives there.
    pub(super) async fn merchants(
        &self,
        caller: &Caller,
        village: &VillageCode,
        filter: &Filter,
        as_of: Option<NaiveDate>,
        page: &Page,
    ) -> Result<(Vec<MerchantLink>, String)> {
        let authority = caller.within(village)?;
        let mut tx = self.database.read(authority.scope()).await?;
        let day = as_of.unwrap_or_else(|| self.clock.today());
        let rows = merchant_links(&mut tx, village, authority.grids(), filter, day, page).await?;
        Ok(page.cut(rows, |one| one.merchant.merchant.to_string()))
    }
}

/// A page of merchants, in the order of their ids.
async fn merchant_links(
    tx: &mut Tx,
    village: &VillageCode,
    grids: Option<Vec<String>>,
    filter: &Filter,
    day: NaiveDate,
    page: &Page,
) -> Result<Vec<MerchantLink>> {
    let after: Option<Uuid> =
        page.after().map(str::parse).transpose().map_err(|_| Error::field("page_token", "is not one of this list"))?;
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "select merchant.id, merchant.landlord, household.number, household.grid, served.id as link,
                served.representative, served.line, served.valid_from as since
           from merchant
           left join household on household.village = $1 and household.id = merchant.landlord",
        served!("$7"),
        "where merchant.village = $1
            and merchant.open
            and ($2::text[] is null or household.grid = any ($2))
            and ($3::uuid is null or merchant.id = $3)
            and ($4::uuid is null or merchant.landlord = $4)
            and ($5::uuid is null or served.representative = $5)
            and (not $6::boolean or served.id is null)
            and ($8::uuid is null or merchant.id > $8)
          order by merchant.id
          limit $9"
    ))
    .bind(village.as_str())
    .bind(grids)
    .bind(filter.merchant)
    .bind(filter.landlord)
    .bind(filter.representative)
    .bind(filter.unserved_only)
    .bind(day)
    .bind(after)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(*village)).collect()
}

/// The merchants in business whom a member serves on a day, in the order of their ids.
pub(crate) async fn merchants_of(tx: &mut Tx, member: &MemberName, day: NaiveDate) -> Result<Vec<MerchantName>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "select merchant.id
           from link
           join line on line.village = $1 and line.kind = link.line and line.merchants_through_landlord
           join merchant on merchant.village = $1 and merchant.landlord = link.household and merchant.open
          where link.village = $1 and link.representative = $2
            and link.valid_from <= $3 and (link.valid_to is null or $3 < link.valid_to)
          order by merchant.id",
    )
    .bind(member.village.as_str())
    .bind(member.member)
    .bind(day)
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids.into_iter().map(|id| MerchantName::new(member.village, id)).collect())
}
