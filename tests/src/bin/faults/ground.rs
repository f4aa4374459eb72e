//! The village on which the load works, as it is before the load.

use anyhow::{Result, ensure};
use chrono::{Days, Utc};
use platform::clock::village_day;
use proto::google::r#type::Date;
use tests::GAOCHONG;
use uuid::Uuid;

use crate::system::System;

/// What was there before the load.
pub(crate) struct Ground {
    /// Resource names of its active households.
    pub(crate) households: Vec<String>,
    /// Codes of the grids where a household may live.
    pub(crate) grids: Vec<String>,
}

impl Ground {
    /// Looks at the onboarded village.
    pub(crate) async fn of(system: &System) -> Result<Self> {
        let mut registry = system.owner("registry").await?;
        let households: Vec<Uuid> =
            sqlx::query_scalar("select id from household where state = 'active' order by number")
                .fetch_all(&mut registry)
                .await?;
        let grids: Vec<String> = sqlx::query_scalar(
            "select code from grid where state = 'active' and kind <> 'outside_estate' order by code",
        )
        .fetch_all(&mut registry)
        .await?;
        ensure!(!households.is_empty() && !grids.is_empty(), "the village was not onboarded");
        Ok(Self { households: households.iter().map(|id| of_village("households", id)).collect(), grids })
    }
}

/// The village of the load.
pub(crate) fn village() -> String {
    format!("villages/{GAOCHONG}")
}

/// A resource name in the village of the load.
pub(crate) fn of_village(collection: &str, id: impl std::fmt::Display) -> String {
    format!("villages/{GAOCHONG}/{collection}/{id}")
}

/// A day that is past by every clock, also by one that is set back.
pub(crate) fn some_days_ago() -> Date {
    proto::time::date(village_day(Utc::now()) - Days::new(5))
}
