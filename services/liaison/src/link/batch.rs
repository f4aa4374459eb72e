//! Many links at once, as a proposal is accepted: each judged and answered by itself, in a handful of statements and one
//! transaction.

use std::collections::{BTreeMap, BTreeSet};

use platform::revision::must_be;
use platform::{Authority, Caller, Error, OnConstraint, Request, Result, Tx};
use proto::names::{LinkName, VillageCode};
use uuid::Uuid;

use super::rules::{self, Link, LinkHousehold};
use super::{Links, lock, settle, store};
use crate::line::rules::Line;
use crate::member::rules::Member;
use crate::places::{Household, households_by_id, seen};
use crate::{line, member, team};

platform::choice! {
    /// What can become of one link of a batch.
    pub(super) enum Outcome as proto::liaison::v1::LinkOutcome {
        Linked = "linked",
        AlreadyLinked = "already_linked",
        ChangedMeanwhile = "changed_meanwhile",
        Refused = "refused",
    }
}

/// What became of one link.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) link: Option<Link>,
    /// Why it was not made.
    pub(super) error: Option<Error>,
}

/// What many commands are judged by.
struct Village {
    households: BTreeMap<Uuid, Household>,
    before: BTreeMap<Uuid, Link>,
    /// The day on which each household's last link ended.
    ended: BTreeMap<Uuid, chrono::NaiveDate>,
    members: BTreeMap<Uuid, Member>,
    defaults: BTreeMap<String, Uuid>,
    lines: Vec<Line>,
}

impl Links {
    pub(super) async fn link_batch(
        &self,
        caller: &Caller,
        request: &Request,
        village: &VillageCode,
        read: Vec<Result<LinkHousehold>>,
    ) -> Result<Vec<Answer>> {
        let authority = caller.within(village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        // A repeat finds the links that the first one made; the claim keeps the id of the request from another batch.
        request.claim(&mut tx, village, &format!("villages/{village}/links")).await?;
        lock(&mut tx, [*village]).await?;
        let members = member::store::members_all(&mut tx, &keys, village).await?;
        let known = Village::load(&mut tx, village, &read, members).await?;
        let (mut taken, mut begin, mut ends) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut answers = Vec::with_capacity(read.len());
        for command in read {
            let judged = command.and_then(|command| {
                if !taken.insert(command.household.household) {
                    return Err(Error::field("household", "stands in the batch twice"));
                }
                self.judge(&authority, &known, &command)
            });
            answers.push(match judged {
                Ok((Outcome::Linked, link)) => {
                    let before = known.before.get(&link.household.household);
                    ends.extend(before.map(|before| (before.name.clone(), link.valid_from)));
                    begin.push(link.clone());
                    Answer { outcome: Outcome::Linked, link: Some(link), error: None }
                }
                Ok((outcome, link)) => Answer { outcome, link: Some(link), error: None },
                Err(error @ (Error::Internal(_) | Error::Unavailable { .. })) => return Err(error),
                Err(error @ Error::Stale { .. }) => {
                    Answer { outcome: Outcome::ChangedMeanwhile, link: None, error: Some(error) }
                }
                Err(error) => Answer { outcome: Outcome::Refused, link: None, error: Some(error) },
            });
        }
        let now = self.clock.now();
        let mut changes = settle::end(&mut tx, &ends, now).await?;
        if !begin.is_empty() {
            let begun = store::links_begin(&mut tx, &begin).await?.on_constraint("link_one_a_day", || {
                Error::internal("a batch would have linked a household twice on one day")
            })?;
            changes.extend(begun.iter().map(Link::began).collect::<Result<Vec<_>>>()?);
        }
        self.changes.append(&mut tx, &authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(answers)
    }

    fn judge(&self, authority: &Authority, known: &Village, command: &LinkHousehold) -> Result<(Outcome, Link)> {
        let household = known.households.get(&command.household.household).cloned();
        let household = seen(household, &command.household, authority)?;
        let before = known.before.get(&command.household.household);
        let member = &command.representative;
        if let Some(before) =
            before.filter(|before| before.representative == *member && before.reason == command.reason)
        {
            return Ok((Outcome::AlreadyLinked, before.clone()));
        }
        let follows = before.map_or_else(|| household.name.to_string(), |before| before.name.to_string());
        must_be(command.expected, before.map_or(0, |before| before.revision), &follows)?;
        let member = known.members.get(&member.member).ok_or_else(|| Error::NotFound(member.to_string()))?;
        let name = LinkName::new(household.name.village, self.clock.new_id());
        let default = known.defaults.get(household.grid.grid.as_str()).copied();
        let (now, today) = (self.clock.now(), self.clock.today());
        let link = rules::link(name, command, &household, before, member, default, &known.lines, now, today)?;
        if known.ended.get(&household.name.household).is_some_and(|ended| link.valid_from < *ended) {
            return Err(rules::already_linked(&household.name, link.valid_from));
        }
        Ok((Outcome::Linked, link))
    }
}

impl Village {
    async fn load(
        tx: &mut Tx,
        village: &VillageCode,
        read: &[Result<LinkHousehold>],
        members: Vec<Member>,
    ) -> Result<Self> {
        let commands = read.iter().filter_map(|command| command.as_ref().ok());
        let ids: Vec<Uuid> = commands.map(|command| command.household.household).collect();
        let households = households_by_id(tx, village, &ids).await?;
        Ok(Self {
            households: households.into_iter().map(|household| (household.name.household, household)).collect(),
            before: store::links_of_households(tx, village, &ids).await?,
            ended: store::links_ended(tx, village, &ids).await?,
            members: members.into_iter().map(|member| (member.name.member, member)).collect(),
            defaults: team::store::representatives_all(tx, village).await?,
            lines: line::store::lines_of(tx, village, false).await?,
        })
    }
}
