//! What can be done with a concern: in which state, under which conditions, by which office, and where it leads. Pure.
//!
//! This is the whole of it, in one table. What is not here is refused, and nothing moves a concern past it but a ledger.

use platform::{Error, Office, Result};
use proto::casework::v1 as pb;
use proto::reasons;

use super::owner::Owner;
use super::record::{Concern, MoveKind, Outcome, State};
use Act::{
    Accept, Answer, AskExtension, Assign, Conclude, DecideExtension, Decline, Deliberate, Escalate, FollowUp, Merge,
    ReceivePapers, Reopen, Resolve, Resume, Return, ReturnPapers, SendBack, Split, Start, Supervise, Suspend, Update,
    Withdraw,
};
use Office::{Cadre, Clerk, Integration, Leader, Officer, Representative};
use Outcome::{NotReached, NotSatisfied, PartlySatisfied, Satisfied};
use State::{Accepted, Closed, Declined, Deliberating, InProgress, Merged, Reported, Resolved, Returned, Withdrawn};
use To::{Back, Go, Stay};
use When::{
    Assigned, Escalated, Extendable, ExtensionAsked, NotAssigned, NotEscalated, NotSupervised, NotSuspended,
    PapersHeld, Returnable, Suspended, Tabled, Untabled,
};

/// What somebody does with a concern, as far as the table cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Accept,
    Return,
    Decline,
    Withdraw,
    Assign,
    Start,
    Suspend,
    Resume,
    Resolve,
    FollowUp(Outcome),
    Escalate,
    SendBack,
    Supervise,
    Reopen,
    /// It is put before a deliberation.
    Deliberate,
    /// The deliberation is done with it.
    Conclude,
    /// For so many working hours more.
    AskExtension(i32),
    /// Granted, or not.
    DecideExtension(bool),
    Update,
    /// It goes on as part of a common demand.
    Merge,
    /// It is taken out of the demand again.
    Split,
    /// The demand that it is part of is answered.
    Answer,
    ReceivePapers,
    ReturnPapers,
}

/// What has to be so beside the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// It was given to somebody who has neither accepted nor returned it.
    Assigned,
    NotAssigned,
    /// It was returned less than twice: of the second return the village office is the arbiter.
    Returnable,
    NotSuspended,
    Suspended,
    NotEscalated,
    Escalated,
    NotSupervised,
    /// It has a deadline, and no more time was granted or asked for.
    Extendable,
    /// More time was asked for, and not decided.
    ExtensionAsked,
    /// It is before a deliberation, whose decision it waits for.
    Tabled,
    /// It is not: a ledger may say that it is being deliberated without saying where.
    Untabled,
    /// Papers that were handed over are still here.
    PapersHeld,
}

/// Where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// The state that it has.
    Stay,
    /// Another.
    Go(State),
    /// The one that it had before it was merged.
    Back,
}

/// One line of the table: in these states, if all of this is so, these offices may do it; with a reason or without.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) act: Act,
    pub(crate) from: &'static [State],
    pub(crate) when: &'static [When],
    pub(crate) to: To,
    pub(crate) by: &'static [Office],
    pub(crate) reason: bool,
}

/// From the report to the claim that it is solved.
const UNSOLVED: &[State] = &[Reported, Returned, Accepted, InProgress, Deliberating];
/// Somebody has taken it on.
const TAKEN: &[State] = &[Accepted, InProgress, Deliberating];
/// Being taken care of, or waiting for that.
pub(crate) const MERGEABLE: &[State] = &[Reported, Accepted, InProgress];
/// Those who take a concern in.
const RECEIVERS: &[Office] = &[Officer, Clerk, Cadre, Leader];
/// Those on the spot and above.
const WORKERS: &[Office] = &[Officer, Clerk, Cadre, Leader, Representative];
/// All who may report one.
const REPORTERS: &[Office] = &[Officer, Clerk, Cadre, Leader, Representative, Integration];
/// Those who put concerns together, and take them apart.
const MERGERS: &[Office] = &[Officer, Clerk, Cadre];
/// Those who see how it goes.
const SUPERVISORS: &[Office] = &[Officer, Clerk];

const fn rule(
    act: Act,
    from: &'static [State],
    when: &'static [When],
    to: To,
    by: &'static [Office],
    reason: bool,
) -> Rule {
    Rule { act, from, when, to, by, reason }
}

/// The reason has to be said.
const WHY: bool = true;
/// It need not.
const NO: bool = false;

/// The table. Whatever is to be known of a state stands together; methods stand in the order of a concern's life.
pub(crate) const TABLE: &[Rule] = &[
    // Those it was reported to take it on; whoever it was given to takes it over.
    rule(Accept, &[Reported, Returned], &[NotAssigned], Go(Accepted), RECEIVERS, NO),
    rule(Accept, &[Reported], &[Assigned], Go(Accepted), WORKERS, NO),
    rule(Accept, TAKEN, &[Assigned], Stay, WORKERS, NO),
    // More is needed from who reported it; or it goes back to who gave it.
    rule(Return, &[Reported], &[NotAssigned, Returnable], Go(Returned), RECEIVERS, WHY),
    rule(Return, &[Reported, Accepted, InProgress, Deliberating], &[Assigned, Returnable], Stay, WORKERS, WHY),
    // It is not ours.
    rule(Decline, &[Reported, Returned], &[], Go(Declined), RECEIVERS, WHY),
    // Who raised it no longer wants it.
    rule(Withdraw, UNSOLVED, &[], Go(Withdrawn), REPORTERS, WHY),
    // It is given to somebody, who has to answer; the sub-district's only after it was sent back.
    rule(Assign, &[Reported, Returned], &[], Go(Reported), RECEIVERS, NO),
    rule(Assign, TAKEN, &[NotEscalated], Stay, RECEIVERS, NO),
    // Work begins, or goes on after the two committees. What the sub-district has, the sub-district does.
    rule(Start, &[Accepted, Deliberating], &[NotSuspended, NotEscalated, Untabled], Go(InProgress), WORKERS, NO),
    rule(Start, &[Accepted, Deliberating], &[NotSuspended, Escalated, Untabled], Go(InProgress), &[Officer], NO),
    // The two committees take it up, and work goes on when they have decided.
    rule(Deliberate, &[InProgress], &[NotSuspended, NotEscalated], Go(Deliberating), &[Clerk], NO),
    rule(Conclude, &[Deliberating], &[Tabled], Go(InProgress), &[Clerk], NO),
    // It has to wait for something.
    rule(Suspend, TAKEN, &[NotSuspended], Stay, RECEIVERS, WHY),
    rule(Resume, TAKEN, &[Suspended], Stay, RECEIVERS, NO),
    // The handler says it is solved.
    rule(Resolve, &[InProgress, Deliberating], &[NotSuspended, NotEscalated, Untabled], Go(Resolved), WORKERS, NO),
    rule(Resolve, &[InProgress, Deliberating], &[NotSuspended, Escalated, Untabled], Go(Resolved), &[Officer], NO),
    // The household is asked, and closes it or sends it back; who was not reached is asked again.
    rule(FollowUp(Satisfied), &[Resolved], &[], Go(Closed), WORKERS, NO),
    rule(FollowUp(PartlySatisfied), &[Resolved], &[], Go(Closed), WORKERS, NO),
    rule(FollowUp(NotSatisfied), &[Resolved], &[], Go(InProgress), WORKERS, NO),
    rule(FollowUp(NotReached), &[Resolved], &[], Stay, WORKERS, NO),
    // The village cannot solve it, or the sub-district finds that it can.
    rule(Escalate, TAKEN, &[NotSuspended, NotEscalated], Stay, &[Clerk, Cadre], WHY),
    rule(SendBack, TAKEN, &[Escalated], Stay, &[Officer], WHY),
    // Somebody keeps an eye on it until the end.
    rule(
        Supervise,
        &[Reported, Returned, Accepted, InProgress, Deliberating, Resolved],
        &[NotSupervised],
        Stay,
        SUPERVISORS,
        WHY,
    ),
    // The household comes back and is not satisfied after all; or it is ours after all.
    rule(Reopen, &[Closed], &[], Go(InProgress), WORKERS, WHY),
    rule(Reopen, &[Declined], &[], Go(Reported), SUPERVISORS, WHY),
    // More time is needed, once; somebody else decides.
    rule(AskExtension(0), TAKEN, &[Extendable], Stay, WORKERS, WHY),
    rule(DecideExtension(true), TAKEN, &[ExtensionAsked], Stay, SUPERVISORS, NO),
    rule(DecideExtension(false), TAKEN, &[ExtensionAsked], Stay, SUPERVISORS, NO),
    // Several households raise the same: it goes on as part of a common demand, until that is answered for all of them or
    // it is taken out again. One that waits for more, is laid aside, or lies before the committees, comes to that first.
    rule(Merge, MERGEABLE, &[NotSuspended, NotEscalated], Go(Merged), MERGERS, NO),
    rule(Merge, MERGEABLE, &[NotSuspended, Escalated], Go(Merged), &[Officer], NO),
    rule(Split, &[Merged], &[], Back, MERGERS, WHY),
    rule(Answer, &[Merged], &[], Go(Resolved), RECEIVERS, NO),
    // What it says can be put right until it is closed.
    rule(Update, &[Reported, Returned, Accepted, InProgress, Deliberating, Resolved], &[], Stay, WORKERS, NO),
    // What a household hands over for an errand, it gets back, however the concern ended.
    rule(ReceivePapers, &[Reported, Returned, Accepted, InProgress, Deliberating, Resolved], &[], Stay, WORKERS, NO),
    rule(ReturnPapers, State::ALL, &[PapersHeld], Stay, WORKERS, NO),
];

/// The line by which an office may do this with the concern.
///
/// # Errors
/// `ILLEGAL_MOVE`, naming what the office can do; `PERMISSION_DENIED` where only another office may do it.
pub(crate) fn allowed(concern: &Concern, act: Act, office: Office) -> Result<&'static Rule> {
    let possible = || TABLE.iter().filter(|rule| rule.fits(concern));
    let fitting: Vec<&Rule> = possible().filter(|rule| rule.act.is_like(act)).collect();
    if let Some(rule) = fitting.iter().find(|rule| rule.by.contains(&office)) {
        return Ok(rule);
    }
    if let Some(rule) = fitting.first() {
        let offices: Vec<&str> = rule.by.iter().map(|office| office.as_str()).collect();
        let message = format!("as it stands, this is done by: {}", offices.join(", "));
        return Err(Error::Denied { reason: reasons::PERMISSION_DENIED, message });
    }
    let mut methods: Vec<&str> =
        possible().filter(|rule| rule.by.contains(&office)).map(|rule| rule.act.method()).collect();
    methods.dedup();
    let methods = if methods.is_empty() { "nothing".to_owned() } else { methods.join(", ") };
    let state = concern.state.as_str();
    let aside = if concern.suspended { " and laid aside" } else { "" };
    let message = format!("the concern is {state}{aside}; what can be done with it: {methods}");
    Err(Error::refused(reasons::ILLEGAL_MOVE, message))
}

impl Rule {
    /// Is the concern as this line has it?
    pub(crate) fn fits(&self, concern: &Concern) -> bool {
        self.from.contains(&concern.state) && self.when.iter().all(|when| when.holds(concern))
    }

    /// The state that follows, of a concern in this state that was in another before it was merged.
    pub(crate) const fn leads_to(&self, from: State, before: State) -> State {
        match self.to {
            Stay => from,
            Go(state) => state,
            Back => before,
        }
    }
}

impl When {
    fn holds(self, concern: &Concern) -> bool {
        let escalated = concern.owner == Owner::Subdistrict;
        match self {
            Assigned => concern.assignee.is_some(),
            NotAssigned => concern.assignee.is_none(),
            Returnable => concern.returns < 2,
            NotSuspended => !concern.suspended,
            Suspended => concern.suspended,
            NotEscalated => !escalated,
            Escalated => escalated,
            NotSupervised => !concern.supervised,
            Extendable => {
                let deadline = &concern.deadline;
                deadline.exists() && deadline.extension_hours == 0 && deadline.extension_asked == 0
            }
            ExtensionAsked => concern.deadline.extension_asked > 0,
            Tabled => concern.deliberation.is_some(),
            Untabled => concern.deliberation.is_none(),
            PapersHeld => concern.holds_papers(),
        }
    }

    /// The condition in the contract.
    pub(crate) const fn told(self) -> pb::WorkflowCondition {
        match self {
            Assigned => pb::WorkflowCondition::Assigned,
            NotAssigned => pb::WorkflowCondition::NotAssigned,
            Returnable => pb::WorkflowCondition::Returnable,
            NotSuspended => pb::WorkflowCondition::NotSuspended,
            Suspended => pb::WorkflowCondition::Suspended,
            NotEscalated => pb::WorkflowCondition::NotEscalated,
            Escalated => pb::WorkflowCondition::Escalated,
            NotSupervised => pb::WorkflowCondition::NotSupervised,
            Extendable => pb::WorkflowCondition::Extendable,
            ExtensionAsked => pb::WorkflowCondition::ExtensionAsked,
            Tabled => pb::WorkflowCondition::Tabled,
            Untabled => pb::WorkflowCondition::Untabled,
            PapersHeld => pb::WorkflowCondition::PapersHeld,
        }
    }
}

impl Act {
    /// Is it the same to the table, which does not care for how much?
    fn is_like(self, other: Self) -> bool {
        self == other || matches!((self, other), (AskExtension(_), AskExtension(_)))
    }

    /// The method that does it.
    pub(crate) const fn method(self) -> &'static str {
        self.told().1
    }

    /// What is kept of it.
    pub(crate) const fn kind(self) -> MoveKind {
        self.told().0
    }

    /// What is kept of it, the method that does it, and what people call it.
    pub(crate) const fn told(self) -> (MoveKind, &'static str, &'static str) {
        match self {
            Accept => (MoveKind::Accepted, "AcceptConcern", "受理"),
            Return => (MoveKind::Returned, "ReturnConcern", "退回"),
            Decline => (MoveKind::Declined, "DeclineConcern", "不予受理"),
            Withdraw => (MoveKind::Withdrawn, "WithdrawConcern", "撤回"),
            Assign => (MoveKind::Assigned, "AssignConcern", "交办"),
            Start => (MoveKind::Started, "StartConcern", "开始办理"),
            Suspend => (MoveKind::Suspended, "SuspendConcern", "挂起"),
            Resume => (MoveKind::Resumed, "ResumeConcern", "恢复办理"),
            Resolve => (MoveKind::Resolved, "ResolveConcern", "化解"),
            FollowUp(_) => (MoveKind::FollowedUp, "FollowUpConcern", "回访"),
            Escalate => (MoveKind::Escalated, "EscalateConcern", "上报街道"),
            SendBack => (MoveKind::SentBack, "SendBackConcern", "退回村级"),
            Supervise => (MoveKind::Supervised, "SuperviseConcern", "督办"),
            Reopen => (MoveKind::Reopened, "ReopenConcern", "重新办理"),
            Deliberate => (MoveKind::Tabled, "CreateDeliberation", "提交商议"),
            Conclude => (MoveKind::Concluded, "Decide", "商议结束"),
            AskExtension(_) => (MoveKind::ExtensionAsked, "ExtendDeadline", "申请延期"),
            DecideExtension(true) => (MoveKind::Extended, "DecideExtension", "同意延期"),
            DecideExtension(false) => (MoveKind::ExtensionRefused, "DecideExtension", "不同意延期"),
            Update => (MoveKind::Updated, "UpdateConcern", "更正"),
            Merge => (MoveKind::Merged, "AddConcern", "并入普遍性诉求"),
            Split => (MoveKind::Split, "RemoveConcern", "从普遍性诉求拆出"),
            Answer => (MoveKind::Resolved, "AnswerDemand", "答复普遍性诉求"),
            ReceivePapers => (MoveKind::PapersReceived, "ReceivePapers", "收取材料"),
            ReturnPapers => (MoveKind::PapersReturned, "ReturnPapers", "退还材料"),
        }
    }
}

impl State {
    /// What people call it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Reported => "待受理",
            Accepted => "已受理",
            InProgress => "办理中",
            Deliberating => "商议中",
            Resolved => "已化解",
            Closed => "已办结",
            Returned => "已退回",
            Declined => "不予受理",
            Withdrawn => "已撤回",
            Merged => "已合并",
        }
    }
}
