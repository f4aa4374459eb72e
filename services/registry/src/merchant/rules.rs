//! What a merchant is and how it changes. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::names::{HouseholdName, MerchantName, VillageCode};
use proto::reasons;
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
}

/// Who runs a business from now on, with their own licence.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    pub(crate) display_name: String,
    pub(crate) telephone: Option<Telephone>,
    pub(crate) credit_code: Option<CreditCode>,
    pub(crate) licence_expires_on: Option<NaiveDate>,
}

/// Which merchants a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) landlord: Option<Uuid>,
    pub(crate) state: Option<State>,
    pub(crate) trade: Option<String>,
    pub(crate) licence_expires_by: Option<NaiveDate>,
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
            state: self.state,
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

    fn must_be_open(&self) -> Result<&Self> {
        match self.facts.state {
            State::Open => Ok(self),
            State::Closed => Err(Error::refused(reasons::ILLEGAL_MOVE, "这家商户已经歇业，不能再办理")),
        }
    }

    /// The news of this merchant as it now stands: nothing in it says who runs it.
    fn news(&self, happened: Happened) -> Result<Change> {
        Change::of(&pb::MerchantChanged {
            name: self.name.to_string(),
            revision: self.revision,
            happened: happened.into(),
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
    let change = merchant.news(Happened::Created)?;
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
    next(before, facts, Happened::Updated, now)
}

/// A merchant goes out of business.
pub(crate) fn close(before: Merchant, now: DateTime<Utc>) -> Result<(Merchant, Change)> {
    let facts = Facts { state: State::Closed, ..before.must_be_open()?.facts.clone() };
    next(before, facts, Happened::Closed, now)
}

/// A merchant goes on with another operator, another landlord, or both.
pub(crate) fn hand_over(
    before: Merchant,
    operator: Option<Operator>,
    landlord: Option<&households::Household>,
    now: DateTime<Utc>,
) -> Result<(Merchant, Change)> {
    let mut facts = before.must_be_open()?.facts.clone();
    if let Some(operator) = operator {
        facts.operator_name = operator.display_name;
        facts.telephone = operator.telephone;
        facts.credit_code = operator.credit_code;
        facts.licence_expires_on = operator.licence_expires_on;
    }
    if let Some(landlord) = landlord {
        must_be_able_to_let(landlord)?;
        facts.landlord = landlord.name.household;
    }
    if facts == before.facts {
        return Err(Error::refused(reasons::ILLEGAL_MOVE, "转让前后的经营者和房东都一样，没有变化"));
    }
    next(before, facts, Happened::HandedOver, now)
}

fn must_be_able_to_let(landlord: &households::Household) -> Result<()> {
    if may_let(landlord.facts.kind) && landlord.facts.state.is_open() {
        return Ok(());
    }
    Err(Error::refused(reasons::NO_LANDLORD, "接手出租门面的须是未销户的重建地户"))
}

/// A merchant goes on with another landlord, who can let.
pub(crate) fn let_by(
    before: Merchant,
    landlord: &households::Household,
    now: DateTime<Utc>,
) -> Result<(Merchant, Change)> {
    must_be_able_to_let(landlord)?;
    let facts = Facts { landlord: landlord.name.household, ..before.facts.clone() };
    next(before, facts, Happened::HandedOver, now)
}

fn next(before: Merchant, facts: Facts, happened: Happened, now: DateTime<Utc>) -> Result<(Merchant, Change)> {
    let merchant = Merchant { facts, revision: before.revision + 1, updated_at: now, ..before };
    let change = merchant.news(happened)?;
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

    fn household(kind: households::Kind) -> households::Household {
        households::Household {
            name: "villages/430112011211/households/018f5e9e-0000-7000-8000-000000000001".parse().unwrap(),
            facts: households::Facts::blank("1".into(), "张三".into(), kind, "002".parse().unwrap()),
            revision: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn open() -> Merchant {
        create(name(), facts(State::Open), households::Kind::RebuiltArea, DateTime::UNIX_EPOCH).unwrap().0
    }

    #[test]
    fn a_closed_merchant_may_have_any_landlord_and_is_over() {
        let (closed, _) =
            create(name(), facts(State::Closed), households::Kind::Relocated, DateTime::UNIX_EPOCH).unwrap();
        assert!(close(closed.clone(), DateTime::UNIX_EPOCH).is_err());
        let landlord = household(households::Kind::RebuiltArea);
        assert!(hand_over(closed, None, Some(&landlord), DateTime::UNIX_EPOCH).is_err());
        assert_eq!(close(open(), DateTime::UNIX_EPOCH).unwrap().0.facts.state, State::Closed);
    }

    #[test]
    fn a_new_operator_brings_their_own_licence() {
        let licensed = Facts {
            credit_code: Some(CreditCode::parse("92999999MA00000151").unwrap()),
            licence_expires_on: Some("2025-01-09".parse().unwrap()),
            ..facts(State::Open)
        };
        let before = create(name(), licensed, households::Kind::RebuiltArea, DateTime::UNIX_EPOCH).unwrap().0;
        let operator =
            Operator { display_name: "李四".into(), telephone: None, credit_code: None, licence_expires_on: None };
        let after = hand_over(before, Some(operator), None, DateTime::UNIX_EPOCH).unwrap().0.facts;
        assert_eq!((after.operator_name.as_str(), after.credit_code, after.licence_expires_on), ("李四", None, None));
    }

    #[test]
    fn premises_go_to_an_open_household_of_the_rebuilt_area_only() {
        let mut landlord = household(households::Kind::RebuiltArea);
        assert!(hand_over(open(), None, Some(&landlord), DateTime::UNIX_EPOCH).is_ok());
        landlord.facts.state = households::State::Demolished;
        assert!(hand_over(open(), None, Some(&landlord), DateTime::UNIX_EPOCH).is_err());
        let original = household(households::Kind::Original);
        assert!(hand_over(open(), None, Some(&original), DateTime::UNIX_EPOCH).is_err());
        assert!(hand_over(open(), None, None, DateTime::UNIX_EPOCH).is_err());
    }
}
