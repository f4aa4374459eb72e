//! Concerns before a deliberation: they wait while it is open, and go on when it is decided or taken off the agenda. What is
//! written here belongs to the deliberation's transaction, so that both have moved or neither has.

use events::Changes;
use platform::{Authority, Error, Result, Tx};
use proto::names::ConcernName;
use uuid::Uuid;

use super::deadline::Now;
use super::rules::{self, Actor, Command};
use super::{State, steps_take, store};
use crate::calendar::Calendars;
use platform::Clock;

/// Puts concerns before a deliberation, all of them or none.
///
/// # Errors
/// `NOT_FOUND`, or what the table of moves says of the first that cannot be.
pub(crate) async fn table(
    tx: &mut Tx,
    (changes, clock, calendars): (&Changes, &Clock, &Calendars),
    by: &Authority,
    names: &[ConcernName],
    deliberation: Uuid,
) -> Result<()> {
    let mut concerns = store::concerns_lock(tx, names).await?;
    let Some(first) = names.first() else { return Ok(()) };
    let calendar = calendars.of(tx, first.village).await?;
    let now = Now { at: clock.now(), calendar: &calendar };
    let actor = Actor { subject: by.subject(), office: by.office() };
    let mut steps = Vec::new();
    for name in names {
        let before = concerns.remove(name).filter(|concern| concern.is_seen_by(by));
        let before = before.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let step =
            rules::act(before, Command::Deliberate(deliberation), "", actor, now).map_err(|error| match error {
                Error::Refused { reason, message } => Error::Refused { reason, message: format!("{name}: {message}") },
                other => other,
            })?;
        steps.push(step);
    }
    steps_take(tx, changes, by, steps).await?;
    Ok(())
}

/// Sends those of these concerns on that wait for this deliberation. One that was withdrawn meanwhile, or that a ledger has
/// solved, stays as it is.
pub(crate) async fn conclude(
    tx: &mut Tx,
    (changes, clock, calendars): (&Changes, &Clock, &Calendars),
    by: &Authority,
    names: &[ConcernName],
    deliberation: Uuid,
    note: &str,
) -> Result<()> {
    let concerns = store::concerns_lock(tx, names).await?;
    let Some(first) = names.first() else { return Ok(()) };
    let calendar = calendars.of(tx, first.village).await?;
    let now = Now { at: clock.now(), calendar: &calendar };
    let actor = Actor { subject: by.subject(), office: by.office() };
    let waiting = concerns
        .into_values()
        .filter(|concern| concern.state == State::Deliberating && concern.deliberation == Some(deliberation));
    let steps: Vec<_> =
        waiting.map(|concern| rules::act(concern, Command::Conclude, note, actor, now)).collect::<Result<_>>()?;
    steps_take(tx, changes, by, steps).await?;
    Ok(())
}
