//! Notices in the database. What is written here is [`PublicText`], and so what is read is.

use chrono::NaiveDate;
use platform::{Error, Page, Result, Tx};
use proto::names::{DeliberationName, VillageCode};
use proto::reasons;
use uuid::Uuid;

use super::{Notice, PublicText, PublicVote};
use crate::deliberation::rules::State;
use crate::deliberation::vote::{Counts, Step, Way};

/// A query for notices: of a deliberation only what everybody may know.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select deliberation.village, deliberation.id, notice.title, notice.text, notice.contact, notice.result,
                    deliberation.way, deliberation.state, deliberation.decided_on, deliberation.noticed_on,
                    deliberation.notice_until, deliberation.result_on
               from deliberation
               join notice on notice.village = deliberation.village and notice.deliberation = deliberation.id ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    village: String,
    id: Uuid,
    title: String,
    text: String,
    contact: String,
    result: Option<String>,
    way: Way,
    state: State,
    decided_on: Option<NaiveDate>,
    noticed_on: Option<NaiveDate>,
    notice_until: Option<NaiveDate>,
    result_on: Option<NaiveDate>,
}

impl Row {
    fn with(self, votes: Vec<PublicVote>) -> Result<Notice> {
        Ok(Notice {
            deliberation: DeliberationName::new(self.village.parse().map_err(Error::internal)?, self.id),
            title: PublicText::kept(self.title),
            text: PublicText::kept(self.text),
            contact: PublicText::kept(self.contact),
            way: self.way,
            state: self.state,
            votes,
            decided_on: self.decided_on,
            noticed_on: self.noticed_on,
            notice_until: self.notice_until,
            result: self.result.map(PublicText::kept),
            result_on: self.result_on,
        })
    }
}

#[derive(sqlx::FromRow)]
struct VoteRow {
    step: Step,
    held_on: NaiveDate,
    due: i32,
    present: i32,
    favour: i32,
    against: i32,
    abstaining: i32,
}

/// A notice that is out, with the votes that carried it.
pub(crate) async fn notice_get(tx: &mut Tx, name: &DeliberationName) -> Result<Notice> {
    let row: Option<Row> = sqlx::query_as(select!("where deliberation.village = $1 and deliberation.id = $2"))
        .bind(name.village.as_str())
        .bind(name.deliberation)
        .fetch_optional(&mut **tx)
        .await?;
    let row = row.ok_or_else(|| Error::NotFound(format!("{name}/notice")))?;
    let votes: Vec<VoteRow> = sqlx::query_as(
        "select step, held_on, due, present, favour, against, abstaining
           from vote
          where village = $1 and deliberation = $2 and carried
          order by place",
    )
    .bind(name.village.as_str())
    .bind(name.deliberation)
    .fetch_all(&mut **tx)
    .await?;
    let vote = |VoteRow { step, held_on, due, present, favour, against, abstaining }| PublicVote {
        step,
        held_on,
        counts: Counts { due, present, favour, against, abstaining },
    };
    row.with(votes.into_iter().map(vote).collect())
}

/// A page of a village's notices, the latest first, without their votes.
pub(crate) async fn notice_list(tx: &mut Tx, village: VillageCode, page: &Page) -> Result<Vec<Notice>> {
    let (day, id) = page.after().map(place_in_list).transpose()?.unzip();
    let rows: Vec<Row> = sqlx::query_as(select!(
        "where deliberation.village = $1
           and deliberation.noticed_on is not null
           and ($2::date is null or (deliberation.noticed_on, deliberation.id) < ($2, $3))
         order by deliberation.noticed_on desc, deliberation.id desc
         limit $4"
    ))
    .bind(village.as_str())
    .bind(day)
    .bind(id)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.with(Vec::new())).collect()
}

/// Where a notice stands in the list: the key of a page.
pub(crate) fn list_key(notice: &Notice) -> String {
    format!("{}/{}", notice.noticed_on.unwrap_or_default(), notice.deliberation.deliberation)
}

fn place_in_list(key: &str) -> Result<(NaiveDate, Uuid)> {
    let read = key.split_once('/').and_then(|(day, id)| Some((day.parse().ok()?, id.parse().ok()?)));
    read.ok_or_else(|| Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave"))
}

/// Puts a notice out. Where objections are heard is what the village has laid down on that day.
pub(crate) async fn notice_save(
    tx: &mut Tx,
    name: &DeliberationName,
    [title, text]: &[PublicText; 2],
    names_excepted: i32,
) -> Result<()> {
    sqlx::query(
        "insert into notice (village, deliberation, title, text, contact, names_excepted)
         values ($1, $2, $3, $4,
                 coalesce((select contact from deliberation_policy where village = $1), ''), $5)",
    )
    .bind(name.village.as_str())
    .bind(name.deliberation)
    .bind(title.as_str())
    .bind(text.as_str())
    .bind(names_excepted)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Puts the result out beside it.
pub(crate) async fn result_save(
    tx: &mut Tx,
    name: &DeliberationName,
    [result]: &[PublicText; 1],
    names_excepted: i32,
) -> Result<()> {
    sqlx::query("update notice set result = $3, result_names_excepted = $4 where village = $1 and deliberation = $2")
        .bind(name.village.as_str())
        .bind(name.deliberation)
        .bind(result.as_str())
        .bind(names_excepted)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
