//! Lists of concerns: by what they are, and what people work from.

use chrono::{DateTime, NaiveDate};
use platform::{Authority, Error, Office, Page, Result, Tx};
use proto::names::{GridCode, VillageCode};
use proto::reasons;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::Row;
use crate::calendar::HOUR;
use crate::concern::deadline::{Now, Urgency};
use crate::concern::record::{Concern, Matter, State};

/// Working time within which something is due soon: a day.
const SOON: i64 = 8 * HOUR;
/// Working time after which what nobody has touched is stuck: five days.
const STUCK: i64 = 40 * HOUR;

/// Which concerns a list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) village: VillageCode,
    pub(crate) state: Option<State>,
    pub(crate) matter: Option<Matter>,
    pub(crate) urgency: Option<Urgency>,
    pub(crate) grid: Option<GridCode>,
    pub(crate) household: Option<Uuid>,
    pub(crate) reference: Option<String>,
    pub(crate) demand: Option<Uuid>,
    pub(crate) work: Work,
    pub(crate) order: ListOrder,
}

platform::choice! {
    /// In which order a list shows them.
    pub(crate) enum ListOrder as proto::casework::v1::ConcernOrder {
        LatestReport = "latest_report",
        Deadline = "deadline",
    }
}

/// What is due first of a concern, the answer or the solution; nothing: at the end of all.
macro_rules! deadline {
    () => {
        "coalesce(least(due_at, respond_by), 'infinity')"
    };
}

/// What people work from: each of these is said of open concerns only.
#[expect(clippy::struct_excessive_bools, reason = "each of them can be asked for beside the others")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Work {
    pub(crate) open: bool,
    pub(crate) mine: bool,
    pub(crate) overdue: bool,
    pub(crate) due_soon: bool,
    pub(crate) awaiting_follow_up: bool,
    pub(crate) stuck: bool,
    pub(crate) escalated: bool,
    pub(crate) supervised: bool,
}

/// A page of concerns. Only the conditions that are asked for stand in the statement, so that
/// each of them finds its index.
pub(crate) async fn concern_list(
    tx: &mut Tx,
    filter: &Filter,
    by: &Authority,
    now: Now<'_>,
    page: &Page,
) -> Result<Vec<Concern>> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(select!("", "where village = "));
    query.push_bind(filter.village.as_str());
    if let Some(state) = filter.state {
        query.push(" and state = ").push_bind(state);
    }
    if let Some(matter) = filter.matter {
        query.push(" and matter = ").push_bind(matter);
    }
    if let Some(urgency) = filter.urgency {
        query.push(" and urgency = ").push_bind(urgency);
    }
    work(&mut query, filter.work, by, now);
    if let Some(grid) = &filter.grid {
        query.push(" and grid = ").push_bind(grid.as_str());
    }
    if let Some(household) = filter.household {
        query.push(" and household = ").push_bind(household);
    }
    if let Some(reference) = &filter.reference {
        query.push(" and reference = ").push_bind(reference.as_str());
    }
    if let Some(demand) = filter.demand {
        query.push(" and demand = ").push_bind(demand);
    }
    if let Some(grids) = by.grids() {
        // Whoever it was given to has to see it before they can accept it.
        query.push(" and (grid = any(").push_bind(grids.clone());
        query.push(") or assignee_kind = 'team' and assignee = any(").push_bind(grids).push("))");
    }
    filter.order.page(&mut query, page)?;
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut **tx).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// What is asked of open concerns. They have an index of their own, in which a village's are together, and what else is
/// asked is looked at in the rows: see the migration that makes it.
fn work(query: &mut QueryBuilder<Postgres>, work: Work, by: &Authority, now: Now<'_>) {
    if work == Work::default() {
        return;
    }
    query.push(" and ended_on is null and state not in ('closed', 'declined', 'withdrawn', 'merged')");
    if work.mine {
        query.push(" and state <> 'resolved' and (");
        answering(query, by, "owner_kind", "owner");
        query.push(" or ");
        answering(query, by, "assignee_kind", "assignee");
        query.push(")");
    }
    if work.overdue {
        query.push(" and (due_at < ").push_bind(now.at).push(" or respond_by < ").push_bind(now.at).push(")");
    }
    if work.due_soon {
        let soon = now.calendar.after(now.at, SOON);
        for (begins, column) in [(" and (", "due_at"), (" or ", "respond_by")] {
            query.push(begins).push(column).push(" between ").push_bind(now.at).push(" and ").push_bind(soon);
        }
        query.push(")");
    }
    if work.awaiting_follow_up {
        query.push(" and state = 'resolved'");
    }
    if work.stuck {
        let since = now.calendar.before(now.at, STUCK);
        query.push(" and not suspended and coalesce(acted_at, updated_at) < ").push_bind(since);
    }
    if work.escalated {
        query.push(" and owner_kind = 'subdistrict'");
    }
    if work.supervised {
        query.push(" and supervised");
    }
}

/// Is it the caller who has to do something: by the office they act in, or as the member they are?
fn answering(query: &mut QueryBuilder<Postgres>, by: &Authority, kind: &'static str, key: &'static str) {
    query.push("(").push(kind);
    match by.office() {
        Office::Officer => {
            query.push(" = 'subdistrict'");
        }
        Office::Clerk | Office::Operator => {
            query.push(" = 'office'");
        }
        Office::Cadre | Office::Leader | Office::Representative | Office::Integration => {
            query.push(" = 'team'");
            if let Some(grids) = by.grids() {
                query.push(" and ").push(key).push(" = any(").push_bind(grids).push(")");
            }
        }
    }
    query.push(" or ").push(kind).push(" = 'member' and ").push(key).push(" = ").push_bind(by.subject().to_owned());
    query.push(")");
}

impl ListOrder {
    /// Where a concern stands in the list: the key of a page.
    pub(crate) fn key(self, concern: &Concern) -> String {
        let id = concern.name.concern;
        match self {
            Self::LatestReport => format!("{}/{id}", concern.reported_on),
            Self::Deadline => {
                let due = [concern.deadline.due_at, concern.deadline.respond_by].into_iter().flatten().min();
                format!("{}/{id}", due.map(|due| due.timestamp_micros().to_string()).unwrap_or_default())
            }
        }
    }

    /// The part of the list that a page asks for, in order. A village's open concerns are some hundreds: their deadlines are
    /// put in order as they are read, for an index by deadline would have to be kept with every move.
    fn page(self, query: &mut QueryBuilder<Postgres>, page: &Page) -> Result<()> {
        let (order, after) = match self {
            Self::LatestReport => (" order by reported_on desc, id desc limit ", " and (reported_on, id) < ("),
            Self::Deadline => {
                (concat!(" order by ", deadline!(), ", id limit "), concat!(" and (", deadline!(), ", id) > ("))
            }
        };
        if let Some((place, id)) = page.after().map(place_in_list).transpose()? {
            query.push(after);
            match self {
                Self::LatestReport => query.push_bind(place.parse::<NaiveDate>().map_err(|_| foreign())?),
                Self::Deadline if place.is_empty() => query.push("'infinity'"),
                Self::Deadline => {
                    let due = place.parse().ok().and_then(DateTime::from_timestamp_micros);
                    query.push_bind(due.ok_or_else(foreign)?)
                }
            };
            query.push(", ").push_bind(id).push(")");
        }
        query.push(order).push_bind(page.limit());
        Ok(())
    }
}

fn place_in_list(key: &str) -> Result<(&str, Uuid)> {
    key.split_once('/').and_then(|(place, id)| Some((place, id.parse().ok()?))).ok_or_else(foreign)
}

fn foreign() -> Error {
    Error::refused(reasons::INVALID_PAGE_TOKEN, "page_token is not one that this list gave")
}
