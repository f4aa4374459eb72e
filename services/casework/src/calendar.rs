//! Which days are worked on, in each place. Every process knows all of it, for no write may wait for it; what was changed
//! is read again within half a minute, and at once where it was changed.

mod rules;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::NaiveDate;
use platform::{Result, Tx};
use proto::names::VillageCode;

pub(crate) use rules::{Calendar, DayKind, HOUR};
pub(crate) use store::{change_add, change_claim, change_reached, days_list, days_replace};

/// A day that is not as its weekday says, in a place: a prefix of villages' codes, empty for the whole country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) place: String,
    pub(crate) date: NaiveDate,
    pub(crate) kind: DayKind,
    pub(crate) title: String,
}

/// The calendars of all places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calendars(Arc<RwLock<Option<Known>>>);

#[derive(Debug, Default)]
struct Known {
    /// In the order in which they count: a narrower place's come later.
    days: Vec<Day>,
    /// By which places have days of their own there: most villages share one.
    made: HashMap<String, Arc<Calendar>>,
}

impl Calendars {
    /// The calendar of a village.
    ///
    /// # Errors
    /// When it has to be read first, and the database refuses.
    pub(crate) async fn of(&self, tx: &mut Tx, village: VillageCode) -> Result<Arc<Calendar>> {
        if let Some(calendar) = self.made(village) {
            return Ok(calendar);
        }
        self.load(tx).await?;
        Ok(self.made(village).unwrap_or_default())
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
            *known = Some(Known { days, made: HashMap::new() });
        }
        Ok(())
    }

    fn made(&self, village: VillageCode) -> Option<Arc<Calendar>> {
        let code = village.as_str();
        let key = |known: &Known| -> String {
            let mut places: Vec<&str> =
                known.days.iter().map(|day| day.place.as_str()).filter(|place| code.starts_with(place)).collect();
            places.dedup();
            places.join(",")
        };
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let known = known.as_ref()?;
            if let Some(calendar) = known.made.get(&key(known)) {
                return Some(calendar.clone());
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_mut()?;
        let days = known.days.iter().filter(|day| code.starts_with(&day.place)).map(|day| (day.date, day.kind));
        let calendar = Arc::new(Calendar::new(days));
        let key = key(known);
        Some(known.made.entry(key).or_insert(calendar).clone())
    }
}
