//! What is rarely said of concerns, in the tables of its own: read and written where there is any.

use std::collections::HashMap;

use chrono::NaiveDate;
use platform::{Error, Result, Tx, Vault};
use proto::names::ConcernName;
use uuid::Uuid;

use crate::concern::detail::{Channel, Detail, Errand, Paper, Person};
use crate::concern::record::Concern;

#[derive(sqlx::FromRow)]
struct DetailRow {
    village: String,
    concern: Uuid,
    channel: Option<Channel>,
    visit: Option<Uuid>,
    household: Option<Uuid>,
    resident: Option<Uuid>,
    location_sealed: Option<Vec<u8>>,
    errand: bool,
    receipt_sealed: Option<Vec<u8>>,
    titles: Vec<String>,
    received_on: Vec<NaiveDate>,
    returned_on: Vec<Option<NaiveDate>>,
    needs: Vec<String>,
}

/// Reads what more is said of those concerns of which there is any, in one statement; of the others nothing is asked.
pub(crate) async fn details_load<'a>(
    tx: &mut Tx,
    vault: &Vault,
    concerns: impl IntoIterator<Item = &'a mut Concern>,
) -> Result<()> {
    let mut asked: HashMap<(String, Uuid), &mut Concern> = concerns
        .into_iter()
        .filter(|concern| concern.detailed)
        .map(|concern| ((concern.name.village.to_string(), concern.name.concern), concern))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let rows: Vec<DetailRow> = sqlx::query_as(
        "select detail.village, detail.id as concern, channel, visit, household, resident, location_sealed, errand, receipt_sealed,
                array(select title from paper where (paper.village, paper.concern) = (asked.village, asked.id)
                       order by place) as titles,
                array(select received_on from paper where (paper.village, paper.concern) = (asked.village, asked.id)
                       order by place) as received_on,
                array(select returned_on from paper where (paper.village, paper.concern) = (asked.village, asked.id)
                       order by place) as returned_on,
                coalesce((select material from matter_type
                           where errand and matter_type.village = asked.village
                             and matter_type.matter = asked.matter and matter_type.title = asked.title),
                         (select material from default_matter_type
                           where errand and default_matter_type.matter = asked.matter
                             and default_matter_type.title = asked.title
                             and not exists (select from matter_type
                                              where matter_type.village = asked.village
                                                and matter_type.code = default_matter_type.code)),
                         '{}') as needs
           from unnest($1::text[], $2::uuid[], $3::text[], $4::text[]) as asked (village, id, matter, title)
           join lateral (select village, id, channel, visit, household, resident, location_sealed, errand,
                                receipt_sealed
                           from concern_detail
                          where concern_detail.village = asked.village and concern_detail.id = asked.id
                          limit 1) as detail on true",
    )
    .bind(asked.keys().map(|(village, _)| village.as_str()).collect::<Vec<_>>())
    .bind(asked.keys().map(|(_, id)| *id).collect::<Vec<_>>())
    .bind(asked.values().map(|concern| concern.matter.as_str()).collect::<Vec<_>>())
    .bind(asked.values().map(|concern| concern.matter_type.as_str()).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    for row in rows {
        let Some(concern) = asked.get_mut(&(row.village.clone(), row.concern)) else { continue };
        let village = concern.name.village;
        let open = async |tx: &mut Tx, sealed: Option<Vec<u8>>| -> Result<Option<String>> {
            match sealed {
                Some(sealed) => vault.keys(tx, &village).await?.open(&sealed).map(Some),
                None => Ok(None),
            }
        };
        let location = open(tx, row.location_sealed).await?;
        let receipt = open(tx, row.receipt_sealed).await?;
        let days = row.received_on.into_iter().zip(row.returned_on);
        let papers = row.titles.into_iter().zip(days);
        let papers = papers.map(|(title, (received_on, returned_on))| Paper { title, received_on, returned_on });
        let errand = Errand { papers: papers.collect(), receipt, needs: row.needs };
        let person = row.household.zip(row.resident);
        concern.detail = Some(Box::new(Detail {
            channel: row.channel,
            visit: row.visit,
            on_behalf_of: person.map(|(household, resident)| Person { household, resident }),
            location,
            errand: row.errand.then_some(errand),
            unsaved: false,
        }));
    }
    Ok(())
}

/// Keeps what more is said of one concern, which this transaction has, in the place of what was kept.
pub(crate) async fn detail_save(tx: &mut Tx, vault: &Vault, name: &ConcernName, detail: &Detail) -> Result<()> {
    let receipt = detail.errand.as_ref().and_then(|errand| errand.receipt.as_deref());
    let (mut location_sealed, mut receipt_sealed) = (None, None);
    if detail.location.is_some() || receipt.is_some() {
        let keys = vault.keys(tx, &name.village).await?;
        location_sealed = detail.location.as_deref().map(|text| keys.seal(text)).transpose()?;
        receipt_sealed = receipt.map(|text| keys.seal(text)).transpose()?;
    }
    sqlx::query(
        "insert into concern_detail (village, id, channel, visit, household, resident, location_sealed, errand,
                                     receipt_sealed)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (village, id) do update
            set channel = excluded.channel, visit = excluded.visit, household = excluded.household,
                resident = excluded.resident, location_sealed = excluded.location_sealed, errand = excluded.errand,
                receipt_sealed = excluded.receipt_sealed",
    )
    .bind(name.village.as_str())
    .bind(name.concern)
    .bind(detail.channel)
    .bind(detail.visit)
    .bind(detail.on_behalf_of.map(|person| person.household))
    .bind(detail.on_behalf_of.map(|person| person.resident))
    .bind(location_sealed)
    .bind(detail.errand.is_some())
    .bind(receipt_sealed)
    .execute(&mut **tx)
    .await?;
    let papers: &[Paper] = detail.errand.as_ref().map_or(&[], |errand| &errand.papers);
    let places: Vec<i32> = (1..).take(papers.len()).collect();
    // Papers are never struck off: one more, or given back.
    sqlx::query(
        "insert into paper (village, concern, place, title, received_on, returned_on)
         select $1, $2, place, title, received_on, returned_on
           from unnest($3::integer[], $4::text[], $5::date[], $6::date[]) as said (place, title, received_on, returned_on)
         on conflict (village, concern, place) do update set returned_on = excluded.returned_on",
    )
    .bind(name.village.as_str())
    .bind(name.concern)
    .bind(places)
    .bind(papers.iter().map(|paper| paper.title.as_str()).collect::<Vec<_>>())
    .bind(papers.iter().map(|paper| paper.received_on).collect::<Vec<_>>())
    .bind(papers.iter().map(|paper| paper.returned_on).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(Error::from)?;
    Ok(())
}
