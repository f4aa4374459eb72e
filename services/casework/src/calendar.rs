//! Which days are worked on, in each place. Every process knows all of it, for no write may wait for it; what was changed
//! is read again within half a minute, and at once where it was changed.

mod rules;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{Datelike, NaiveDate};
use platform::{Result, Tx};
use proto::names::VillageCode;

pub(crate) use rules::{Calendar, DayKind, HOUR};
pub(crate) use store::{change_add, change_claim, change_reached, days_list, year_revision, year_save};

/// A day that is not as its weekday says, in a place: a prefix of villages' codes, empty for the whole country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) place: String,
    pub(crate) date: NaiveDate,
    pub(crate) kind: DayKind,
    pub(crate) title: String,
}

impl Day {
    pub(crate) fn is_in(&self, year: i32) -> bool {
        self.date.year() == year
    }
}

/// The days of a year in a place: those that it says itself, or all that count there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Year {
    /// The code of a village or of a sub-district.
    pub(crate) place: String,
    pub(crate) year: i32,
    /// In order.
    pub(crate) days: Vec<Day>,
    /// Of what the place says itself; 0: nothing.
    pub(crate) revision: i64,
}

impl Year {
    pub(crate) fn place_name(&self) -> String {
        let is_village = self.place.parse::<VillageCode>().is_ok();
        format!("{}/{}", if is_village { "villages" } else { "subdistricts" }, self.place)
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/calendars/{}", self.place_name(), self.year)
    }
}

/// The calendars of all places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calendars(Arc<RwLock<Option<Known>>>);

#[derive(Debug)]
struct Known {
    days: Vec<Day>,
    /// Of each place that has days of its own, with those of the places that it lies in: a village's is that of the
    /// narrowest place around it.
    made: HashMap<String, Arc<Calendar>>,
}

impl Known {
    /// `days` come in the order in which they count: a narrower place's later.
    fn of(days: Vec<Day>) -> Self {
        let mut made: HashMap<String, Arc<Calendar>> = HashMap::new();
        for place in days.iter().map(|day| &day.place) {
            if !made.contains_key(place) {
                let around = days.iter().filter(|day| place.starts_with(&day.place));
                made.insert(place.clone(), Arc::new(Calendar::new(around.map(|day| (day.date, day.kind)))));
            }
        }
        Self { days, made }
    }

    fn calendar(&self, village: VillageCode) -> Arc<Calendar> {
        let code = village.as_str();
        let places = (0..=code.len()).rev().filter_map(|length| code.get(..length));
        places.into_iter().find_map(|place| self.made.get(place).cloned()).unwrap_or_default()
    }
}

impl Calendars {
    /// The calendar of a village.
    ///
    /// # Errors
    /// When it has to be read first, and the database refuses.
    pub(crate) async fn of(&self, tx: &mut Tx, village: VillageCode) -> Result<Arc<Calendar>> {
        if let Some(calendar) = self.known(village) {
            return Ok(calendar);
        }
        self.load(tx).await?;
        Ok(self.known(village).unwrap_or_default())
    }

    /// Reads all of it anew.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn load(&self, tx: &mut Tx) -> Result<()> {
        let mut days = days_list(tx).await?;
        days.sort_by_key(|day| day.place.len());
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|known| known.days != days) {
            *known = Some(Known::of(days));
        }
        Ok(())
    }

    fn known(&self, village: VillageCode) -> Option<Arc<Calendar>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(known.as_ref()?.calendar(village))
    }
}
