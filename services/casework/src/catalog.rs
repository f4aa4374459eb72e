//! The catalogue: what concerns are about, how soon each kind has to be answered and solved, which days are worked on.

mod record;
mod rpc;
mod store;

use events::Changes;
use platform::revision::{Mask, must_be};
use platform::{Authority, Caller, Clock, Database, Error, Page, Request, Result, Scope};
use proto::names::{MatterTypeName, VillageCode};

use crate::calendar::{self, Calendars, Day, Year};
pub(crate) use record::happened;
use record::{Limits, MatterType, calendar_news};

/// The use cases of the catalogue.
#[derive(Clone)]
pub(crate) struct Catalog {
    database: Database,
    changes: Changes,
    clock: Clock,
    calendars: Calendars,
}

impl Catalog {
    pub(crate) fn new(database: Database, changes: Changes, clock: Clock, calendars: Calendars) -> Self {
        Self { database, changes, clock, calendars }
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
        let now = self.clock.now();
        store::type_save(&mut tx, name, &made, by.subject(), now).await?;
        self.changes.append(&mut tx, &by, &[made.news(name, now)?]).await?;
        self.changes.commit(tx).await?;
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
        let now = self.clock.now();
        store::type_save(&mut tx, name, &after, by.subject(), now).await?;
        self.changes.append(&mut tx, &by, &[after.news(name, now)?]).await?;
        self.changes.commit(tx).await?;
        Ok(after)
    }

    async fn get(&self, caller: &Caller, name: &MatterTypeName) -> Result<MatterType> {
        let by = caller.within(&name.village)?;
        let mut tx = self.database.read(by.scope()).await?;
        store::type_get(&mut tx, name).await
    }

    async fn list(&self, caller: &Caller, village: VillageCode, page: &Page) -> Result<(Vec<MatterType>, String)> {
        let by = caller.within(&village)?;
        let mut tx = self.database.read(by.scope()).await?;
        let rows = store::type_list(&mut tx, village, page).await?;
        Ok(page.cut(rows, |one| one.code.clone()))
    }

    async fn deadlines(&self, caller: &Caller, village: VillageCode) -> Result<Vec<Limits>> {
        let by = caller.within(&village)?;
        let mut tx = self.database.read(by.scope()).await?;
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
        let name = limits.name(village);
        let mut tx = self.database.begin(by.scope()).await?;
        let claimed = request.claim(&mut tx, &village, &name).await?;
        let all = store::limits_list(&mut tx, village).await?;
        let same = |one: &&Limits| (one.matter, one.urgency) == (limits.matter, limits.urgency);
        let before = all.iter().find(same).ok_or_else(|| Error::NotFound(name.clone()))?;
        if claimed.is_some() {
            return Ok(*before);
        }
        must_be(expected, before.revision, &name)?;
        let after = Limits { revision: before.revision + 1, ..limits };
        let now = self.clock.now();
        store::limits_save(&mut tx, village, &after, by.subject(), now).await?;
        self.changes.append(&mut tx, &by, &[after.news(village, now)?]).await?;
        self.changes.commit(tx).await?;
        Ok(after)
    }

    /// The days of a year as they count in a place, with the revision of the place's own.
    async fn calendar(&self, caller: &Caller, place: &str, year: i32) -> Result<Year> {
        let scope: Scope = match place.parse() {
            Ok(village) => caller.within(&village)?.scope().clone(),
            // What lies in several villages is told to those who serve all of it.
            Err(_) => caller.over(place)?,
        };
        let mut tx = self.database.read(&scope).await?;
        let mut days = calendar::days_list(&mut tx).await?;
        days.retain(|day| place.starts_with(&day.place) && day.is_in(year));
        // Of several for one day the narrowest place's.
        days.sort_by_key(|day| (day.date, std::cmp::Reverse(day.place.len())));
        days.dedup_by_key(|day| day.date);
        let revision = calendar::year_revision(&mut tx, place, year).await?;
        Ok(Year { place: place.to_owned(), year, days, revision })
    }

    /// Puts days of a place's own in the place of those it had.
    async fn set_calendar(&self, caller: &Caller, request: Request, expected: Option<i64>, year: Year) -> Result<Year> {
        let by = caller.answering_for(&year.place)?;
        let name = year.name();
        let mut tx = self.database.begin(by.scope()).await?;
        // Whoever repeats it waits here for the first, and then reads what that made.
        let claimed = request.claim_of(&mut tx, &year.place, &name).await?;
        let before = calendar::year_revision(&mut tx, &year.place, year.year).await?;
        if claimed.is_some() {
            let mut days: Vec<Day> = calendar::days_list(&mut tx).await?;
            days.retain(|day| day.place == year.place && day.is_in(year.year));
            return Ok(Year { days, revision: before, ..year });
        }
        must_be(expected, before, &name)?;
        let after = Year { revision: before + 1, ..year };
        let now = self.clock.now();
        calendar::year_save(&mut tx, &after, by.subject(), now).await?;
        calendar::change_add(&mut tx, &after.place, now).await?;
        self.changes.append(&mut tx, &by, &[calendar_news(&after, now)?]).await?;
        self.calendars.load(&mut tx).await?;
        self.changes.commit(tx).await?;
        Ok(after)
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
