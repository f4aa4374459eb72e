//! What reporting keeps of the others' news: the newest revision of each record, in whatever order news comes and
//! however often. Nothing follows from news here.

mod casework;
mod liaison;
mod registry;

use events::{News, Reader};
use platform::{Caller, Error, Result, Tx};
use prost::Name;
use proto::casework::v1::{ConcernChanged, DemandChanged};
use proto::liaison::v1::{LinkChanged, TeamChanged, VisitChanged};
use proto::names::NameError;
use proto::registry::v1::{GridChanged, HouseholdChanged, MerchantChanged, VillageChanged};

/// Reads the news of all three.
pub(crate) struct Projections;

impl Reader for Projections {
    fn knows(&self, type_name: &str) -> bool {
        [
            VillageChanged::full_name(),
            GridChanged::full_name(),
            HouseholdChanged::full_name(),
            MerchantChanged::full_name(),
            TeamChanged::full_name(),
            LinkChanged::full_name(),
            VisitChanged::full_name(),
            ConcernChanged::full_name(),
            DemandChanged::full_name(),
        ]
        .iter()
        .any(|known| known == type_name)
    }

    async fn apply(&self, tx: &mut Tx, _by: &Caller, news: &[News]) -> Result<()> {
        registry::villages(tx, news).await?;
        registry::grids(tx, news).await?;
        registry::households(tx, news).await?;
        registry::merchants(tx, news).await?;
        liaison::teams(tx, news).await?;
        liaison::links(tx, news).await?;
        liaison::visits(tx, news).await?;
        casework::concerns(tx, news).await?;
        casework::demands(tx, news).await
    }
}

/// Names in news are its owner's; one that is none makes the news a dead letter.
fn parsed<'a, N: std::str::FromStr<Err = NameError>>(names: impl Iterator<Item = &'a String>) -> Result<Vec<N>> {
    names.map(|name| name.parse().map_err(Error::internal)).collect()
}

/// A day that news may leave out.
fn day(date: Option<&proto::google::r#type::Date>) -> Result<Option<chrono::NaiveDate>> {
    date.map(proto::time::naive_date).transpose().map_err(Error::internal)
}

/// A day that news has to tell.
fn required_day(date: Option<&proto::google::r#type::Date>) -> Result<chrono::NaiveDate> {
    day(date)?.ok_or_else(|| Error::internal("news without its day"))
}
