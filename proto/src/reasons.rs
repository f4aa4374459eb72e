//! Why a call may fail, as `google.rpc.ErrorInfo.reason`. The status, meaning and remedy of each stand in `errors.md`;
//! services may use no other.

/// The `domain` of every `google.rpc.ErrorInfo` that this platform sends.
pub const DOMAIN: &str = "lianxin";

macro_rules! reasons {
    ($($(#[doc = $meaning:literal])+ $reason:ident;)+) => {
        $($(#[doc = $meaning])+ pub const $reason: &str = stringify!($reason);)+

        /// Every reason, in the order of `errors.md`.
        #[cfg(test)]
        const ALL: &[&str] = &[$($reason,)+];
    };
}

reasons! {
    /// No token, or one that does not hold.
    UNAUTHENTICATED;
    /// The caller's office may not call this method.
    PERMISSION_DENIED;
    /// The village or sub-district named lies outside the caller's scope.
    OUTSIDE_SCOPE;
    /// The caller may write only in grids of its own, and this is another.
    OUTSIDE_GRIDS;
    /// There is no such record, or it is not the caller's to see.
    NOT_FOUND;
    /// A record with this name or number exists.
    ALREADY_EXISTS;
    /// Fields of the request are missing or wrong; `BadRequest` names each.
    INVALID_FIELDS;
    /// The page token is not one that this list gave for these arguments.
    INVALID_PAGE_TOKEN;
    /// This `request_id` was used for another request.
    REQUEST_ID_REUSED;
    /// The record has changed since the version that the etag names.
    STALE_ETAG;
    /// The record's state does not allow this move.
    ILLEGAL_MOVE;
    /// The service has not yet seen all news up to a mark; `RetryInfo` says when to try again.
    NOT_YET_CAUGHT_UP;
    /// The mark is of a stream that has since been made anew.
    MARK_EXPIRED;
    /// A part that the service needs does not answer at the moment.
    UNAVAILABLE;
    /// More requests than can be served at the moment.
    OVERLOADED;
    /// The call's deadline passed before it was done.
    DEADLINE_EXCEEDED;
    /// A fault of the service.
    INTERNAL;
    /// The village was archived: it is kept to be read.
    VILLAGE_ARCHIVED;
    /// The service knows no such grid.
    UNKNOWN_GRID;
    /// The service knows no such household.
    UNKNOWN_HOUSEHOLD;
    /// The grid has been given up.
    GRID_RETIRED;
    /// The seat is held.
    SEAT_TAKEN;
    /// Somebody stands in for the holder of the seat already.
    SEAT_COVERED;
    /// The member does not hold an office that fits the seat.
    WRONG_OFFICE;
    /// The member's term does not include the day.
    NOT_SERVING;
    /// The person may not be appointed.
    NOT_ELIGIBLE;
    /// The public notice has not run out.
    NOTICE_RUNNING;
    /// The line does not reach households of this kind.
    KIND_NOT_ON_LINE;
    /// The household already has this link, or one that starts on this day or later.
    ALREADY_LINKED;
    /// The day lies in the future.
    IN_THE_FUTURE;
    /// The day lies before the household was linked.
    BEFORE_THE_LINK;
    /// The member is neither whom the household was linked to on the day nor the grid's representative.
    NOT_THEIR_REPRESENTATIVE;
    /// The member has no seat in the concern's team.
    NOT_IN_TEAM;
    /// The household is called back by someone other than who resolved its concern.
    FOLLOW_UP_BY_HANDLER;
    /// The household was merged or demolished.
    HOUSEHOLD_CLOSED;
    /// Others than the head are still in the household.
    HOUSEHOLD_NOT_EMPTY;
    /// The person is not in the household.
    NOT_IN_HOUSEHOLD;
    /// The household's kind does not agree with its grid, or with living inside or outside.
    KIND_DISAGREES;
    /// The household still lets premises to open merchants.
    LETS_TO_MERCHANTS;
    /// The household cannot let premises.
    NO_LANDLORD;
    /// More time is granted by someone other than who asked for it.
    EXTENSION_BY_ASKER;
    /// A concern is part of one common demand at most.
    ALREADY_MERGED;
    /// A common demand is of one matter.
    OTHER_MATTER;
    /// Land, collective assets and large expense go the long way.
    LONG_WAY_REQUIRED;
    /// The steps of a deliberation come in their order.
    STEP_OUT_OF_ORDER;
    /// Nothing is decided without a vote of every step that had its quorum.
    NO_VALID_VOTE;
    /// The text holds a number of somebody's.
    NUMBER_IN_TEXT;
    /// Nobody has looked whether the text names a resident, or it was another text, or too long ago.
    NOT_CLEARED;
    /// A paper of this title was handed over before and is still here.
    PAPER_HELD;
    /// No paper of this title is here.
    PAPER_NOT_HELD;
    /// The file is nothing that is kept.
    ATTACHMENT_TYPE;
    /// The file is larger than is kept.
    ATTACHMENT_TOO_LARGE;
    /// The file does not hold together, or not all of it came.
    ATTACHMENT_DAMAGED;
    /// The concern has as many attachments as it may.
    TOO_MANY_ATTACHMENTS;
    /// The file is no workbook that can be read.
    WORKBOOK_UNREADABLE;
    /// The workbook is larger than is accepted, packed or unpacked.
    WORKBOOK_TOO_LARGE;
    /// The workbook has none of the sheets that this service reads.
    SHEET_MISSING;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_errors_lists_exactly_these() {
        let listed: Vec<&str> = include_str!("../errors.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .filter_map(|line| line.split('`').next())
            .collect();
        assert_eq!(listed, ALL);
    }
}
