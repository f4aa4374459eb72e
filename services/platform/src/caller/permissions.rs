//! Which office may call which method: the whole of it, in one table. What is not here is not allowed.
//!
//! The operator keeps the machine and brings villages up; residents' records are not theirs to read.
//! Whether the caller may do it *in this village, in this grid* is decided by [`super::Authority`], and
//! whether *this record in this state* allows it, by the rules of the service.

use super::Office;
use Office::{Cadre, Clerk, Integration, Leader, Officer, Operator, Representative};

/// Whoever has a valid token.
const ANYONE: &[Office] = &[Operator, Officer, Clerk, Cadre, Leader, Representative, Integration];
/// Those who work with residents' records.
const READERS: &[Office] = &[Officer, Clerk, Cadre, Leader, Representative, Integration];
/// Those on the spot and above.
const WORKERS: &[Office] = &[Officer, Clerk, Cadre, Leader, Representative];
/// Those who bring a workbook in.
const IMPORTERS: &[Office] = &[Operator, Clerk];
/// The village office.
const CLERKS: &[Office] = &[Clerk];
/// The village office and the cadre of the area.
const VILLAGE: &[Office] = &[Clerk, Cadre];
/// Those who take a concern in.
const RECEIVERS: &[Office] = &[Officer, Clerk, Cadre, Leader];

/// (service, its methods, who may call them)
const TABLE: &[(&str, &[&str], &[Office])] = &[
    ("lianxin.platform.v1.NewsService", &["Mark"], ANYONE),
    ("lianxin.registry.v1.VillageService", &["CreateVillage", "UpdateVillage", "ArchiveVillage"], &[Operator]),
    ("lianxin.registry.v1.VillageService", &["GetVillage", "ListVillages"], ANYONE),
    (
        "lianxin.registry.v1.GridService",
        &[
            "CreateArea",
            "UpdateArea",
            "CreateVillagerGroup",
            "UpdateVillagerGroup",
            "CreatePartyGroup",
            "UpdatePartyGroup",
            "CreateGrid",
            "UpdateGrid",
        ],
        IMPORTERS,
    ),
    (
        "lianxin.registry.v1.GridService",
        &[
            "GetArea",
            "ListAreas",
            "GetVillagerGroup",
            "ListVillagerGroups",
            "GetPartyGroup",
            "ListPartyGroups",
            "GetGrid",
            "ListGrids",
        ],
        ANYONE,
    ),
    (
        "lianxin.registry.v1.HouseholdService",
        &["CreateHousehold", "UpdateHousehold", "CreateResident", "UpdateResident"],
        VILLAGE,
    ),
    (
        "lianxin.registry.v1.HouseholdService",
        &[
            "RelocateHousehold",
            "SplitHousehold",
            "MergeHouseholds",
            "ChangeHouseholdHead",
            "ChangeHouseholdState",
            "TransferResident",
        ],
        VILLAGE,
    ),
    ("lianxin.registry.v1.HouseholdService", &["RevealHousehold", "RevealResident"], VILLAGE),
    ("lianxin.registry.v1.HouseholdService", &["GetCareTags"], READERS),
    ("lianxin.registry.v1.HouseholdService", &["UpdateCareTags"], CLERKS),
    ("lianxin.registry.v1.HouseholdService", &["ListDisclosures"], &[Operator, Officer, Clerk]),
    ("lianxin.registry.v1.HouseholdService", &["EraseHousehold", "EraseResident"], CLERKS),
    ("lianxin.registry.v1.HouseholdService", &["ListHouseholdHistory", "ListResidentHistory"], READERS),
    ("lianxin.registry.v1.HouseholdService", &["VerifyHousehold"], &[Clerk, Cadre, Leader, Representative]),
    (
        "lianxin.registry.v1.HouseholdService",
        &["GetHousehold", "ListHouseholds", "SearchHouseholds", "GetResident", "ListResidents"],
        READERS,
    ),
    (
        "lianxin.registry.v1.MerchantService",
        &["CreateMerchant", "UpdateMerchant", "CloseMerchant", "HandOverMerchant"],
        VILLAGE,
    ),
    ("lianxin.registry.v1.MerchantService", &["RevealMerchant"], VILLAGE),
    ("lianxin.registry.v1.MerchantService", &["GetMerchant", "ListMerchants", "ListMerchantHistory"], READERS),
    ("lianxin.registry.v1.PublicTextService", &["CheckPublicText"], CLERKS),
    ("lianxin.registry.v1.RosterService", &["ImportRoster", "MarkRoster"], IMPORTERS),
    ("lianxin.registry.v1.RosterService", &["ExportRoster"], &[Officer, Clerk]),
    ("lianxin.liaison.v1.MemberService", &["CreateMember", "UpdateMember", "EndTerm", "RecallMember"], CLERKS),
    (
        "lianxin.liaison.v1.MemberService",
        &[
            "NominateMember",
            "CheckEligibility",
            "RecordEndorsement",
            "PostNotice",
            "RecordObjection",
            "AppointMember",
            "EvaluateMember",
            "DeclineMember",
        ],
        CLERKS,
    ),
    ("lianxin.liaison.v1.MemberService", &["ListMemberSteps"], VILLAGE),
    ("lianxin.liaison.v1.MemberService", &["GetMember", "ListMembers"], ANYONE),
    ("lianxin.liaison.v1.MemberService", &["GetMemberRights"], &[Operator, Officer, Clerk, Integration]),
    ("lianxin.liaison.v1.LineService", &["UpdateLine"], CLERKS),
    ("lianxin.liaison.v1.LineService", &["GetLine", "ListLines"], ANYONE),
    ("lianxin.liaison.v1.TeamService", &["SeatMember", "VacateSeat", "CoverSeat", "UncoverSeat", "HandOver"], CLERKS),
    ("lianxin.liaison.v1.TeamService", &["GetHandover", "ListHandovers"], &[Operator, Officer, Clerk]),
    ("lianxin.liaison.v1.TeamService", &["GetTeam", "ListTeams", "ListSeatings"], ANYONE),
    ("lianxin.liaison.v1.LinkService", &["LinkHousehold", "ProposeLinks", "BatchLinkHouseholds"], VILLAGE),
    ("lianxin.liaison.v1.LinkService", &["GetLink", "ListLinks", "ListMerchantLinks"], READERS),
    (
        "lianxin.liaison.v1.CoverageService",
        &["GetCoverage", "ListGaps", "ListClosedGaps", "WatchGaps", "ListUncoveredPeriods"],
        ANYONE,
    ),
    (
        "lianxin.liaison.v1.VisitService",
        &["CreateVisit", "BatchCreateVisits", "UpdateVisit", "WithdrawVisit"],
        &[Clerk, Cadre, Leader, Representative],
    ),
    ("lianxin.liaison.v1.VisitService", &["GetVisit", "ListVisits", "ListDueVisits"], READERS),
    ("lianxin.liaison.v1.VisitPlanService", &["UpdateVisitPlan"], CLERKS),
    ("lianxin.liaison.v1.VisitPlanService", &["GetVisitPlan"], ANYONE),
    ("lianxin.liaison.v1.EntranceRulesService", &["UpdateEntranceRules"], CLERKS),
    ("lianxin.liaison.v1.EntranceRulesService", &["GetEntranceRules"], ANYONE),
    ("lianxin.liaison.v1.RosterService", &["ImportRoster", "ImportLedger"], IMPORTERS),
    ("lianxin.casework.v1.ConcernService", &["CreateConcern"], READERS),
    ("lianxin.casework.v1.ConcernService", &["GetConcern", "ListConcerns", "ListMoves", "ExplainDeadline"], READERS),
    // The table of moves says more closely who may do what in which state; a test there holds the two together.
    ("lianxin.casework.v1.ConcernService", &["GetWorkflow"], ANYONE),
    ("lianxin.casework.v1.ConcernService", &["WithdrawConcern"], READERS),
    (
        "lianxin.casework.v1.ConcernService",
        &[
            "UpdateConcern",
            "AcceptConcern",
            "ReturnConcern",
            "StartConcern",
            "ResolveConcern",
            "FollowUpConcern",
            "ReopenConcern",
            "ExtendDeadline",
            "ReceivePapers",
            "ReturnPapers",
        ],
        WORKERS,
    ),
    (
        "lianxin.casework.v1.ConcernService",
        &["DeclineConcern", "AssignConcern", "SuspendConcern", "ResumeConcern"],
        RECEIVERS,
    ),
    ("lianxin.casework.v1.ConcernService", &["EscalateConcern"], VILLAGE),
    ("lianxin.casework.v1.ConcernService", &["SendBackConcern"], &[Officer]),
    ("lianxin.casework.v1.ConcernService", &["SuperviseConcern", "DecideExtension"], &[Officer, Clerk]),
    // Of these, too, the table of moves says more.
    ("lianxin.casework.v1.DemandService", &["GetDemand", "ListDemands", "ListDemandMoves"], WORKERS),
    (
        "lianxin.casework.v1.DemandService",
        &["CreateDemand", "AddConcern", "RemoveConcern", "DissolveDemand", "AssignDemand"],
        &[Officer, Clerk, Cadre],
    ),
    // Proposals are for those who may make a demand of them.
    (
        "lianxin.casework.v1.DemandService",
        &["ProposeDemands", "GetDemandProposal", "ListDemandProposals", "DismissDemandProposal"],
        &[Officer, Clerk, Cadre],
    ),
    ("lianxin.casework.v1.DemandService", &["AnswerDemand"], RECEIVERS),
    ("lianxin.casework.v1.DemandService", &["EscalateDemand"], VILLAGE),
    ("lianxin.casework.v1.DemandService", &["SendBackDemand"], &[Officer]),
    // The clerk of the two committees keeps the book; those who serve some grids see what concerns these.
    (
        "lianxin.casework.v1.DeliberationService",
        &[
            "CreateDeliberation",
            "RecordVote",
            "Decide",
            "DraftNotice",
            "PublishNotice",
            "RecordObjection",
            "CloseNotice",
            "PublishResult",
            "WithdrawDeliberation",
            "UpdateDeliberationPolicy",
        ],
        CLERKS,
    ),
    ("lianxin.casework.v1.DeliberationService", &["GetDeliberation", "ListDeliberations"], WORKERS),
    ("lianxin.casework.v1.DeliberationService", &["GetDeliberationPolicy"], ANYONE),
    ("lianxin.casework.v1.AttachmentService", &["UploadAttachment", "DownloadAttachment", "ListAttachments"], READERS),
    ("lianxin.casework.v1.AttachmentService", &["DeleteAttachment"], WORKERS),
    (
        "lianxin.casework.v1.CatalogService",
        &["GetMatterType", "ListMatterTypes", "ListDeadlines", "GetCalendar"],
        ANYONE,
    ),
    ("lianxin.casework.v1.CatalogService", &["CreateMatterType", "UpdateMatterType", "UpdateDeadline"], IMPORTERS),
    // Holidays are the country's; whoever keeps the machine brings them in.
    ("lianxin.casework.v1.CatalogService", &["UpdateCalendar"], &[Operator]),
    ("lianxin.casework.v1.LedgerService", &["ImportLedger"], IMPORTERS),
    ("lianxin.casework.v1.LedgerService", &["ExportLedger"], &[Officer, Clerk]),
    ("lianxin.reporting.v1.FigureService", &["GetFigures"], &[Operator, Officer, Clerk, Cadre, Integration]),
];

/// Methods that everybody may call, without a token: they tell nothing that is anybody's, and limit for themselves how
/// often they are asked. They know no caller.
const PUBLIC: &[(&str, &[&str])] = &[
    ("lianxin.casework.v1.ConcernService", &["GetProgress"]),
    ("lianxin.casework.v1.DeliberationService", &["GetNotice", "ListNotices"]),
];

/// Methods whose callers send for as long as their link takes: they are given up when nothing comes any more, and not because
/// it takes long.
const SENT_SLOWLY: &[(&str, &[&str])] = &[("lianxin.casework.v1.AttachmentService", &["UploadAttachment"])];

/// Do callers of the method of a gRPC path send for as long as their link takes?
#[must_use]
pub fn is_sent_slowly(path: &str) -> bool {
    stands_in(SENT_SLOWLY, path)
}

fn stands_in(methods: &[(&str, &[&str])], path: &str) -> bool {
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else { return false };
    methods.iter().any(|(named, methods)| *named == service && methods.contains(&method))
}

/// May everybody call the method of a gRPC path, without a token?
#[must_use]
pub fn is_public(path: &str) -> bool {
    stands_in(PUBLIC, path)
}

/// The offices that may call the method of a gRPC path (`/package.Service/Method`); none if it is not
/// in the table.
#[must_use]
pub fn offices(path: &str) -> &'static [Office] {
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else { return &[] };
    TABLE
        .iter()
        .find(|(named, methods, _)| *named == service && methods.contains(&method))
        .map_or(&[], |(_, _, offices)| offices)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use prost::Message;

    fn paths_of_the_contract() -> Vec<String> {
        let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let mut paths = Vec::new();
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    paths.push(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
                }
            }
        }
        paths
    }

    #[test]
    fn every_method_of_the_contract_is_in_the_table_once_and_nothing_else_is() {
        let mut listed: Vec<String> = TABLE
            .iter()
            .map(|(service, methods, _)| (service, methods))
            .chain(PUBLIC.iter().map(|(service, methods)| (service, methods)))
            .flat_map(|(service, methods)| methods.iter().map(move |method| format!("/{service}/{method}")))
            .collect();
        let mut contract = paths_of_the_contract();
        listed.sort();
        contract.sort();
        assert_eq!(listed, contract);
    }

    #[test]
    fn what_is_not_in_the_table_is_nobodys() {
        for path in ["", "/", "/lianxin.registry.v1.VillageService", "/lianxin.registry.v1.VillageService/Drop", "x/y"]
        {
            assert!(offices(path).is_empty(), "{path}");
        }
    }
}
