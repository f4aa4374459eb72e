//! One person, one record: whoever serves in another office, served before or was declined is nominated and appointed under the
//! record there is. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::{Error, Result};
use proto::liaison::v1::member_changed::Happened;
use proto::reasons;

use super::{Candidacy, Nomination, Record, State, StepKind, must_follow};
use crate::member::rules::{Member, Office, Source, Term};

/// How far somebody who has a record already has come on the way to an office they do not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    /// Where they come from as a representative.
    pub(crate) source: Source,
}

/// Somebody who has a record already is nominated under it: who serves in another office, did so before, or was declined.
/// What they are stays as it is until they are appointed.
pub(crate) fn nominate_again(
    before: Member,
    nomination: Nomination,
    last: Option<NaiveDate>,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<(Member, Record, Change)> {
    let day = nomination.must_be_sound(today)?;
    must_follow(day, last)?;
    if before.state == State::Appointed && before.offices.contains(&Office::Representative) {
        let message = format!("{} is a representative already", before.name);
        return Err(Error::refused(reasons::NOT_ELIGIBLE, message));
    }
    if before.standing().is_some() {
        let message = format!("{} has been nominated already; what is under way has to end first", before.name);
        return Err(Error::refused(reasons::ILLEGAL_MOVE, message));
    }
    let standing = Standing { state: State::Nominated, source: nomination.source };
    let candidacy =
        Candidacy { grid: nomination.grid, grounds: nomination.grounds, notice_until: None, standing: Some(standing) };
    let member = Member {
        telephone: nomination.telephone.or(before.telephone),
        candidacy: Some(candidacy),
        revision: before.revision + 1,
        updated_at: now,
        ..before
    };
    let change = member.news(Happened::Updated)?;
    Ok((member, Record::of(StepKind::Nominated, day, nomination.note), change))
}

impl Member {
    /// How far the nomination has come that is under way, whether the member is new or not.
    pub(crate) fn standing(&self) -> Option<State> {
        let again = self.candidacy.as_ref().and_then(|candidacy| candidacy.standing);
        Some(again.map_or(self.state, |standing| standing.state)).filter(|state| state.is_under_way())
    }

    /// So far somebody has come who has a record already. What has ended leaves no trace but its steps.
    pub(super) fn stands(&mut self, standing: Standing) {
        match &mut self.candidacy {
            Some(candidacy) if standing.state.is_under_way() => candidacy.standing = Some(standing),
            Some(candidacy) if standing.state == State::Appointed => candidacy.standing = None,
            candidacy => *candidacy = None,
        }
    }

    /// Somebody who has a record already becomes a representative: beside the offices they serve in, or afresh.
    pub(super) fn takes_office(&mut self, source: Source, term: Term) -> Result<()> {
        if self.state == State::Appointed {
            if self.offices.contains(&Office::Representative) {
                let message = format!("{} has become a representative meanwhile", self.name);
                return Err(Error::refused(reasons::NOT_ELIGIBLE, message));
            }
            if let Some(end) = self.term_end.filter(|end| *end < term.end) {
                return Err(Error::field(
                    "term_end",
                    format!("lies after the term that is under way, which ends on {end}"),
                ));
            }
            self.offices.insert(Office::Representative);
            self.representing = Some(term);
        } else {
            self.offices = [Office::Representative].into();
            (self.term_start, self.term_end, self.representing) = (term.start, Some(term.end), None);
            self.state = State::Appointed;
        }
        self.source = Some(source);
        Ok(())
    }
}
