//! The catalogue: what concerns are about, how soon each kind has to be answered and solved, which days are worked on.

mod rpc;
mod store;

use chrono::NaiveDate;
use platform::revision::{Mask, must_be};
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Scope};
use proto::names::{MatterTypeName, VillageCode};

use crate::calendar::{self, Calendars, Day};
use crate::concern::{Matter, Urgency};

/// The use cases of the catalogue.
#[derive(Clone)]
pub(crate) struct Catalog {
    database: Database,
    clock: Clock,
    calendars: Calendars,
}

/// A kind of thing within a matter.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct MatterType {
    pub(crate) code: String,
    pub(crate) matter: Matter,
    pub(crate) title: String,
    pub(crate) urgency: Urgency,
    pub(crate) response_hours: Option<i32>,
    pub(crate) resolution_hours: Option<i32>,
    pub(crate) deliberation: bool,
    pub(crate) material: Vec<String>,
    pub(crate) retired: bool,
    /// 0 as long as it is as every village begins with it.
    pub(crate) revision: i64,
}

/// How soon, where the type says nothing of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Limits {
    pub(crate) matter: Matter,
    pub(crate) urgency: Urgency,
    pub(crate) response_hours: i32,
    pub(crate) resolution_hours: i32,
    pub(crate) revision: i64,
}

impl Catalog {
    pub(crate) fn new(database: Database, clock: Clock, calendars: Calendars) -> Self {
        Self { database, clock, calendars }
    }

    async fn create(
        &self,
        caller: &Caller,
        request: Request,
        name: &MatterTypeName,
        made: MatterType,
    ) -> Result<MatterType> {
        let by = whole(caller, &name.village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &name.village, &name.to_string()).await? {
            let made: MatterTypeName = made.parse().map_err(Error::internal)?;
            return store::type_get(&mut tx, &made).await;
        }
        match store::type_get(&mut tx, name).await {
            Err(Error::NotFound(_)) => {}
            Ok(_) => return Err(Error::AlreadyExists(name.to_string())),
            Err(error) => return Err(error),
        }
        let made = MatterType { revision: 1, ..made };
        store::type_save(&mut tx, name, &made, by.subject(), self.clock.now()).await?;
        tx.commit().await?;
        Ok(made)
    }

    async fn update(
        &self,
        caller: &Caller,
        request: Request,
        name: &MatterTypeName,
        expected: Option<i64>,
        change: (Mask, MatterType),
    ) -> Result<MatterType> {
        let by = whole(caller, &name.village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        if let Some(made) = request.claim(&mut tx, &name.village, &name.to_string()).await? {
            let made: MatterTypeName = made.parse().map_err(Error::internal)?;
            return store::type_get(&mut tx, &made).await;
        }
        let before = store::type_get(&mut tx, name).await?;
        must_be(expected, before.revision, name)?;
        let after = changed(before, change);
        store::type_save(&mut tx, name, &after, by.subject(), self.clock.now()).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn get(&self, caller: &Caller, name: &MatterTypeName) -> Result<MatterType> {
        let by = caller.within(&name.village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        store::type_get(&mut tx, name).await
    }

    async fn list(&self, caller: &Caller, village: VillageCode, page: &Page) -> Result<(Vec<MatterType>, String)> {
        let by = caller.within(&village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        let rows = store::type_list(&mut tx, village, page).await?;
        Ok(page.cut(rows, |one| one.code.clone()))
    }

    async fn deadlines(&self, caller: &Caller, village: VillageCode) -> Result<Vec<Limits>> {
        let by = caller.within(&village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        store::limits_list(&mut tx, village).await
    }

    async fn set_deadline(
        &self,
        caller: &Caller,
        request: Request,
        village: VillageCode,
        expected: Option<i64>,
        limits: Limits,
    ) -> Result<Limits> {
        let by = whole(caller, &village)?;
        let name = rpc::deadline_name(village, &limits);
        let mut tx = self.database.begin(by.scope()).await?;
        let all = store::limits_list(&mut tx, village).await?;
        let same = |one: &&Limits| (one.matter, one.urgency) == (limits.matter, limits.urgency);
        let before = all.iter().find(same).ok_or_else(|| Error::NotFound(name.clone()))?;
        if request.claim(&mut tx, &village, &name).await?.is_some() {
            return Ok(*before);
        }
        must_be(expected, before.revision, &name)?;
        let after = Limits { revision: before.revision + 1, ..limits };
        store::limits_save(&mut tx, village, &after, by.subject(), self.clock.now()).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn calendar(&self, caller: &Caller, village: VillageCode) -> Result<Vec<Day>> {
        let by = caller.within(&village)?;
        let mut tx = self.database.begin(by.scope()).await?;
        let mut days = calendar::days_list(&mut tx).await?;
        days.retain(|day| village.as_str().starts_with(&day.place));
        Ok(days)
    }

    /// Puts days of a place's own in the place of those it had.
    async fn set_calendar(
        &self,
        caller: &Caller,
        place: &str,
        year: (NaiveDate, NaiveDate),
        days: &[Day],
    ) -> Result<()> {
        let scope: Scope = caller.over(place)?;
        let mut tx = self.database.begin(&scope).await?;
        calendar::days_replace(&mut tx, place, year, days, caller.subject()).await?;
        calendar::change_add(&mut tx, place, self.clock.now()).await?;
        self.calendars.load(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Who answers for the whole village.
fn whole(caller: &Caller, village: &VillageCode) -> Result<Authority> {
    let by = caller.within(village)?;
    by.must_serve_all()?;
    Ok(by)
}

/// A type after an update.
fn changed(before: MatterType, (mask, said): (Mask, MatterType)) -> MatterType {
    MatterType {
        code: before.code,
        matter: before.matter,
        title: if mask.has("title") { said.title } else { before.title },
        urgency: if mask.has("urgency") { said.urgency } else { before.urgency },
        response_hours: if mask.has("response_hours") { said.response_hours } else { before.response_hours },
        resolution_hours: if mask.has("resolution_hours") { said.resolution_hours } else { before.resolution_hours },
        deliberation: if mask.has("deliberation") { said.deliberation } else { before.deliberation },
        material: if mask.has("material") { said.material } else { before.material },
        retired: if mask.has("retired") { said.retired } else { before.retired },
        revision: before.revision + 1,
    }
}
