//! What a phone sends that was offline: many visits at once, each judged and answered by itself, all of them in one
//! transaction.

use std::collections::BTreeMap;

use events::Change;
use platform::{Authority, Caller, Error, OnConstraint, Request, Result};
use proto::names::VillageCode;
use uuid::Uuid;

use super::rules::{self, Again, Circumstances, Draft, Outcome, Visit};
use super::{Visits, must_serve, store};

/// What became of one visit.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// As it stands: of one that is logged.
    pub(super) visit: Option<Visit>,
    /// Why it was not taken.
    pub(super) error: Option<Error>,
}

impl Answer {
    fn stands(outcome: Outcome, visit: Visit) -> Self {
        Self { outcome, visit: Some(visit), error: None }
    }

    fn not(outcome: Outcome, error: Error) -> Self {
        Self { outcome, visit: None, error: Some(error) }
    }
}

impl Visits {
    /// Logs those of these visits that can be: what could not be read comes as the error that it is.
    pub(super) async fn log_batch(
        &self,
        caller: &Caller,
        request: &Request,
        village: &VillageCode,
        read: Vec<Result<Draft>>,
    ) -> Result<Vec<Answer>> {
        let authority = caller.within(village)?;
        let mut tx = self.database.begin(authority.scope()).await?;
        // A repeat finds by its ids what the first one logged; the claim keeps the id of the request from another batch.
        let batch = format!("villages/{village}/visits");
        request.claim(&mut tx, village, &batch).await?;
        store::author_lock(&mut tx, village, authority.subject()).await?;

        let drafts: Vec<Draft> = read.iter().filter_map(|draft| draft.as_ref().ok().cloned()).collect();
        let ids: Vec<Uuid> = drafts.iter().map(|draft| draft.name.visit).collect();
        let mut circumstances = store::circumstances(&mut tx, village, &drafts).await?.into_iter();
        let logged = store::visits_get(&mut tx, village, &ids, None).await?;
        let mut journal = Journal::of(logged);
        let mut answers = Vec::with_capacity(read.len());
        for draft in read {
            let judged = match draft {
                Ok(draft) => {
                    let known = circumstances.next().ok_or_else(|| Error::internal("nothing is known of a draft"))?;
                    self.judge(&authority, &mut journal, draft, &known)
                }
                Err(error) => Err(error),
            };
            answers.push(match judged {
                Ok(answer) => answer,
                Err(error @ (Error::Internal(_) | Error::Unavailable { .. })) => return Err(error),
                Err(error) => Answer::not(rules::outcome(&error, authority.grids().is_none()), error),
            });
        }

        let (new, changed) = journal.written();
        let taken = || Error::AlreadyExists("a visit with one of these ids".to_owned());
        store::visits_insert(&mut tx, &new).await.on_constraint("visit_pkey", taken)?;
        store::visits_update(&mut tx, &changed).await?;
        self.changes.append(&mut tx, &authority, &journal.changes).await?;
        self.changes.commit(tx).await?;
        Ok(answers)
    }

    fn judge(
        &self,
        authority: &Authority,
        journal: &mut Journal,
        draft: Draft,
        known: &Circumstances,
    ) -> Result<Answer> {
        must_serve(authority, &draft, known)?;
        let (now, today, author) = (self.clock.now(), self.clock.today(), authority.subject());
        let Some(before) = journal.stands.get(&draft.name.visit) else {
            let (visit, change) = rules::log(draft, known, author, today, now)?;
            return Ok(journal.write(visit, change));
        };
        match rules::again(before, draft, known, author, today, now)? {
            Again::Same => Ok(Answer::stands(Outcome::AlreadyHad, before.clone())),
            Again::Superseded => Ok(Answer::stands(Outcome::Superseded, before.clone())),
            Again::Edited(edited) => Ok(journal.write(edited.0, edited.1)),
        }
    }
}

/// How the visits of a batch stand while it is judged: one may come in it more than once.
struct Journal {
    stands: BTreeMap<Uuid, Visit>,
    /// Which of them were logged before, and at which revision.
    before: BTreeMap<Uuid, i64>,
    changes: Vec<Change>,
}

impl Journal {
    fn of(logged: Vec<Visit>) -> Self {
        let before = logged.iter().map(|visit| (visit.name.visit, visit.revision)).collect();
        let stands = logged.into_iter().map(|visit| (visit.name.visit, visit)).collect();
        Self { stands, before, changes: Vec::new() }
    }

    fn write(&mut self, visit: Visit, change: Change) -> Answer {
        self.changes.push(change);
        self.stands.insert(visit.name.visit, visit.clone());
        Answer::stands(Outcome::Accepted, visit)
    }

    /// The visits to be inserted, and those to be saved over what was there.
    fn written(&self) -> (Vec<Visit>, Vec<Visit>) {
        let changed = |visit: &&Visit| self.before.get(&visit.name.visit) != Some(&visit.revision);
        self.stands.values().filter(changed).cloned().partition(|visit| !self.before.contains_key(&visit.name.visit))
    }
}
