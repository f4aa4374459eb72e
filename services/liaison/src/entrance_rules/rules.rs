//! How long a public notice runs. Pure.

use chrono::{DateTime, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1 as pb;
use proto::liaison::v1::entrance_rules_changed::Happened;
use proto::names::{EntranceRulesName, VillageCode};
use proto::time::timestamp;

/// Between how many days any notice lasts: less is none, and more keeps a grid waiting.
const BOUNDS: std::ops::RangeInclusive<i32> = 1..=60;

/// What a village has settled about the way to becoming a representative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntranceRules {
    pub(crate) village: VillageCode,
    /// For how many days a public notice runs if nobody says otherwise.
    pub(crate) notice_days: i32,
    /// For how many at least.
    pub(crate) least_notice_days: i32,
    /// For how many at most.
    pub(crate) most_notice_days: i32,
    /// 0: the mechanism's own.
    pub(crate) revision: i64,
    pub(crate) made_at: Option<DateTime<Utc>>,
    pub(crate) updated_at: Option<DateTime<Utc>>,
}

/// What an update changes; none leaves it as it is.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) name: EntranceRulesName,
    pub(crate) expected: Option<i64>,
    pub(crate) notice_days: Option<i32>,
    pub(crate) least_notice_days: Option<i32>,
    pub(crate) most_notice_days: Option<i32>,
}

impl EntranceRules {
    /// The mechanism's own: a week, and 5 to 30 days if somebody says so.
    pub(crate) fn default_of(village: VillageCode) -> Self {
        Self {
            village,
            notice_days: 7,
            least_notice_days: 5,
            most_notice_days: 30,
            revision: 0,
            made_at: None,
            updated_at: None,
        }
    }

    pub(crate) fn name(&self) -> EntranceRulesName {
        EntranceRulesName(self.village)
    }

    /// For how many days a notice runs of which so many are asked for, or none said.
    ///
    /// # Errors
    /// When it is not within the village's bounds.
    pub(crate) fn notice(&self, days: Option<i32>) -> Result<i32> {
        let days = days.unwrap_or(self.notice_days);
        if (self.least_notice_days..=self.most_notice_days).contains(&days) {
            return Ok(days);
        }
        let (least, most) = (self.least_notice_days, self.most_notice_days);
        Err(Error::field("days", format!("has to lie between {least} and {most}, as the village has settled")))
    }
}

/// A village's rules with these changes.
pub(crate) fn update(before: EntranceRules, update: Update, now: DateTime<Utc>) -> Result<(EntranceRules, Change)> {
    let rules = EntranceRules {
        notice_days: update.notice_days.unwrap_or(before.notice_days),
        least_notice_days: update.least_notice_days.unwrap_or(before.least_notice_days),
        most_notice_days: update.most_notice_days.unwrap_or(before.most_notice_days),
        revision: before.revision + 1,
        made_at: before.made_at.or(Some(now)),
        updated_at: Some(now),
        ..before
    };
    let (least, most) = (BOUNDS.start(), BOUNDS.end());
    let in_order = [*least, rules.least_notice_days, rules.notice_days, rules.most_notice_days, *most].is_sorted();
    if !in_order {
        let message = format!("has to lie between the least and the most, and all three between {least} and {most}");
        return Err(Error::field("entrance_rules.notice_days", message));
    }
    let change = Change::of(&pb::EntranceRulesChanged {
        name: rules.name().to_string(),
        revision: rules.revision,
        happened: Happened::Updated.into(),
        change_time: Some(timestamp(now)),
        notice_days: rules.notice_days,
        least_notice_days: rules.least_notice_days,
        most_notice_days: rules.most_notice_days,
    })?;
    Ok((rules, change))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_notice_runs_for_a_week_unless_somebody_says_otherwise_within_bounds() {
        let rules = EntranceRules::default_of("430112011211".parse().unwrap());
        assert_eq!(rules.notice(None).unwrap(), 7);
        for (days, right) in [(4, false), (5, true), (30, true), (31, false)] {
            assert_eq!(rules.notice(Some(days)).is_ok(), right, "{days}");
        }
    }

    #[test]
    fn the_usual_length_lies_within_the_bounds() {
        let rules = EntranceRules::default_of("430112011211".parse().unwrap());
        let change = |notice, least, most| {
            let update_to = Update {
                name: rules.name(),
                expected: None,
                notice_days: Some(notice),
                least_notice_days: Some(least),
                most_notice_days: Some(most),
            };
            update(rules.clone(), update_to, "2026-06-01T00:00:00Z".parse().unwrap()).is_ok()
        };
        assert!(change(10, 10, 10) && change(1, 1, 60));
        assert!(!change(4, 5, 30) && !change(31, 5, 30) && !change(1, 0, 60) && !change(60, 1, 61));
    }
}
