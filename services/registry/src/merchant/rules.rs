//! What a merchant is and how it changes. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::names::{HouseholdName, MerchantName, VillageCode};
use proto::registry::v1 as pb;
use proto::registry::v1::merchant_changed::Happened;
use proto::time::{date, timestamp};
use uuid::Uuid;
use workbook::formats::{CreditCode, Telephone};

use crate::household::rules as households;

platform::choice! {
    /// Whether a merchant is in business.
    pub(crate) enum State as proto::registry::v1::MerchantState {
        Open = "open",
        Closed = "closed",
    }
}

/// A business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merchant {
    pub(crate) name: MerchantName,
    pub(crate) facts: Facts,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// What the village knows of a business, and may correct. A text that is not known is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) display_name: String,
    pub(crate) credit_code: Option<CreditCode>,
    pub(crate) operator_name: String,
    pub(crate) telephone: Option<Telephone>,
    pub(crate) trade: String,
    pub(crate) landlord: Uuid,
    pub(crate) address: Option<String>,
    pub(crate) licence_expires_on: Option<NaiveDate>,
    pub(crate) state: State,
}

/// A merchant to be entered.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) village: VillageCode,
    pub(crate) id: Option<Uuid>,
    pub(crate) facts: Facts,
}

/// A change that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) name: MerchantName,
    pub(crate) expected: Option<i64>,
    pub(crate) amendment: Amendment,
}

/// What a change says; a field that it does not mention stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Amendment {
    pub(crate) display_name: Option<String>,
    pub(crate) credit_code: Option<Option<CreditCode>>,
    pub(crate) operator_name: Option<String>,
    pub(crate) telephone: Option<Option<Telephone>>,
    pub(crate) trade: Option<String>,
    pub(crate) landlord: Option<Uuid>,
    pub(crate) address: Option<Option<String>>,
    pub(crate) licence_expires_on: Option<Option<NaiveDate>>,
    pub(crate) state: Option<State>,
}

/// Which merchants a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) landlord: Option<Uuid>,
    pub(crate) state: Option<State>,
    pub(crate) trade: Option<String>,
}

/// Premises for business belong to a household of the rebuilt area.
pub(crate) fn may_let(kind: households::Kind) -> bool {
    kind == households::Kind::RebuiltArea
}

impl Facts {
    pub(crate) fn amended(self, amendment: Amendment) -> Self {
        Self {
            display_name: amendment.display_name.unwrap_or(self.display_name),
            credit_code: amendment.credit_code.unwrap_or(self.credit_code),
            operator_name: amendment.operator_name.unwrap_or(self.operator_name),
            telephone: amendment.telephone.unwrap_or(self.telephone),
            trade: amendment.trade.unwrap_or(self.trade),
            landlord: amendment.landlord.unwrap_or(self.landlord),
            address: amendment.address.unwrap_or(self.address),
            licence_expires_on: amendment.licence_expires_on.unwrap_or(self.licence_expires_on),
            state: amendment.state.unwrap_or(self.state),
        }
    }

    /// An open business is on premises of the rebuilt area; what becomes of a closed one's premises is not its story.
    fn must_be_on_premises_of(&self, landlord: households::Kind) -> Result<()> {
        if self.state == State::Open && !may_let(landlord) {
            return Err(Error::field("merchant.landlord", "is not a household of the rebuilt area"));
        }
        Ok(())
    }
}

impl Merchant {
    pub(crate) fn landlord_name(&self) -> HouseholdName {
        HouseholdName::new(self.name.village, self.facts.landlord)
    }

    /// The news of this merchant as it now stands: nothing in it says who runs it.
    fn news(&self) -> Result<Change> {
        Change::of(&pb::MerchantChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: if self.revision == 1 { Happened::Created } else { Happened::Updated }.into(),
            change_time: Some(timestamp(self.updated_at)),
            landlord: self.landlord_name().to_string(),
            state: self.facts.state.into(),
            licence_expires_on: self.facts.licence_expires_on.map(date),
        })
    }
}

/// Enters a merchant on premises of a household of this kind.
pub(crate) fn create(
    name: MerchantName,
    facts: Facts,
    landlord: households::Kind,
    now: DateTime<Utc>,
) -> Result<(Merchant, Change)> {
    facts.must_be_on_premises_of(landlord)?;
    let merchant = Merchant { name, facts, revision: 1, created_at: now, updated_at: now };
    let change = merchant.news()?;
    Ok((merchant, change))
}

/// The next version of a merchant, on premises of a household of this kind.
pub(crate) fn replace(
    before: Merchant,
    facts: Facts,
    landlord: households::Kind,
    now: DateTime<Utc>,
) -> Result<(Merchant, Change)> {
    facts.must_be_on_premises_of(landlord)?;
    let merchant = Merchant { facts, revision: before.revision + 1, updated_at: now, ..before };
    let change = merchant.news()?;
    Ok((merchant, change))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn facts(state: State) -> Facts {
        Facts {
            display_name: "兴达餐饮店".into(),
            credit_code: None,
            operator_name: String::new(),
            telephone: None,
            trade: "餐饮".into(),
            landlord: Uuid::nil(),
            address: None,
            licence_expires_on: None,
            state,
        }
    }

    fn name() -> MerchantName {
        "villages/430112011211/merchants/018f5e9e-0000-7000-8000-000000000000".parse().unwrap()
    }

    #[test]
    fn an_open_merchant_is_on_premises_of_the_rebuilt_area() {
        for kind in households::Kind::ALL {
            let made = create(name(), facts(State::Open), *kind, DateTime::UNIX_EPOCH);
            assert_eq!(made.is_ok(), *kind == households::Kind::RebuiltArea, "{kind:?}");
        }
    }

    #[test]
    fn a_closed_merchant_may_have_any_landlord_but_does_not_open_again_there() {
        let (closed, _) =
            create(name(), facts(State::Closed), households::Kind::Relocated, DateTime::UNIX_EPOCH).unwrap();
        let opened = Amendment { state: Some(State::Open), ..Amendment::default() };
        let facts = closed.facts.clone().amended(opened);
        assert!(replace(closed, facts, households::Kind::Relocated, DateTime::UNIX_EPOCH).is_err());
    }
}
