//! The steps of members in the database: added, listed, never changed.

use chrono::{DateTime, NaiveDate, Utc};
use platform::{Authority, Page, Result, Tx};
use proto::names::MemberName;
use uuid::Uuid;

use super::entrance::{Grade, Record, StepKind, Votes};
use super::rules::Member;

/// A step as it was recorded: its place, who took it and in which office, and what it said.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) place: i32,
    pub(crate) record: Record,
    pub(crate) subject: String,
    pub(crate) office: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// Adds a step to each of these members, after those they have. Whoever adds one has the member's row to itself.
pub(crate) async fn steps_insert(
    tx: &mut Tx,
    by: &Authority,
    steps: &[(&MemberName, &Record)],
    now: DateTime<Utc>,
) -> Result<()> {
    fn of<'s, T>(steps: &[(&MemberName, &'s Record)], column: impl Fn(&'s Record) -> T) -> Vec<T> {
        steps.iter().map(|(_, record)| column(record)).collect()
    }
    let votes = |column: fn(Votes) -> i32| of(steps, |record| record.votes.map(column));
    sqlx::query(
        "insert into member_step (village, member, place, kind, day, subject, office, recorded_at, due, present, favour,
                                  against, abstaining, notice_until, upheld, term_start, term_end, grade, note)
         select new.village, new.member,
                1 + coalesce((select max(step.place) from member_step step
                               where step.village = new.village and step.member = new.member), 0),
                kind, day, $3, $4, $5, due, present, favour, against, abstaining, notice_until, upheld, term_start, term_end,
                grade, note
           from unnest($1::text[], $2::uuid[], $6::text[], $7::date[], $8::integer[], $9::integer[], $10::integer[],
                       $11::integer[], $12::integer[], $13::date[], $14::boolean[], $15::date[], $16::date[], $17::text[],
                       $18::text[])
                as new (village, member, kind, day, due, present, favour, against, abstaining, notice_until, upheld,
                        term_start, term_end, grade, note)",
    )
    .bind(steps.iter().map(|(member, _)| member.village.to_string()).collect::<Vec<_>>())
    .bind(steps.iter().map(|(member, _)| member.member).collect::<Vec<_>>())
    .bind(by.subject())
    .bind(by.office().as_str())
    .bind(now)
    .bind(of(steps, |record| record.kind.as_str()))
    .bind(of(steps, |record| record.day))
    .bind(votes(|votes| votes.due))
    .bind(votes(|votes| votes.present))
    .bind(votes(|votes| votes.favour))
    .bind(votes(|votes| votes.against))
    .bind(votes(|votes| votes.abstaining))
    .bind(of(steps, |record| record.notice_until))
    .bind(of(steps, |record| record.upheld))
    .bind(of(steps, |record| record.term.map(|(start, _)| start)))
    .bind(of(steps, |record| record.term.and_then(|(_, end)| end)))
    .bind(of(steps, |record| record.grade.map(Grade::as_str)))
    .bind(of(steps, |record| record.note.as_str()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The day of a member's last step, if one is recorded.
pub(crate) async fn last_day(tx: &mut Tx, member: &MemberName) -> Result<Option<NaiveDate>> {
    let day = sqlx::query_scalar("select max(day) from member_step where village = $1 and member = $2")
        .bind(member.village.as_str())
        .bind(member.member)
        .fetch_one(&mut **tx)
        .await?;
    Ok(day)
}

/// Another record of somebody of the same name who serves already: with the same telephone, or with none known of one of the
/// two.
pub(crate) async fn serves_as(tx: &mut Tx, member: &Member, today: NaiveDate) -> Result<Option<MemberName>> {
    let other: Option<Uuid> = sqlx::query_scalar(
        "select other.id
           from member candidate
           join member other on other.village = candidate.village and other.display_name = candidate.display_name
                            and other.id <> candidate.id
          where candidate.village = $1 and candidate.id = $2
            and other.state = 'appointed'
            and (other.term_end is null or other.term_end > $3)
            and (other.telephone_index = candidate.telephone_index
                 or other.telephone_index is null or candidate.telephone_index is null)
          limit 1",
    )
    .bind(member.name.village.as_str())
    .bind(member.name.member)
    .bind(today)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(other.map(|id| MemberName::new(member.name.village, id)))
}

#[derive(sqlx::FromRow)]
struct Row {
    place: i32,
    kind: StepKind,
    day: NaiveDate,
    subject: String,
    office: String,
    recorded_at: DateTime<Utc>,
    due: Option<i32>,
    present: Option<i32>,
    favour: Option<i32>,
    against: Option<i32>,
    abstaining: Option<i32>,
    notice_until: Option<NaiveDate>,
    upheld: Option<bool>,
    term_start: Option<NaiveDate>,
    term_end: Option<NaiveDate>,
    grade: Option<Grade>,
    note: String,
}

impl From<Row> for Taken {
    fn from(row: Row) -> Self {
        let votes = (|| {
            Some(Votes {
                due: row.due?,
                present: row.present?,
                favour: row.favour?,
                against: row.against?,
                abstaining: row.abstaining?,
            })
        })();
        Self {
            place: row.place,
            subject: row.subject,
            office: row.office,
            recorded_at: row.recorded_at,
            record: Record {
                kind: row.kind,
                day: row.day,
                votes,
                notice_until: row.notice_until,
                upheld: row.upheld,
                term: row.term_start.map(|start| (start, row.term_end)),
                grade: row.grade,
                note: row.note,
            },
        }
    }
}

/// A page of a member's steps, in the order they were taken.
pub(crate) async fn step_list(tx: &mut Tx, member: &MemberName, page: &Page) -> Result<Vec<Taken>> {
    let rows: Vec<Row> = sqlx::query_as(
        "select place, kind, day, subject, office, recorded_at, due, present, favour, against, abstaining, notice_until,
                upheld, term_start, term_end, grade, note
           from member_step
          where village = $1 and member = $2 and place > $3
          order by place
          limit $4",
    )
    .bind(member.village.as_str())
    .bind(member.member)
    .bind(i32::try_from(page.after_number()?).unwrap_or(i32::MAX))
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
