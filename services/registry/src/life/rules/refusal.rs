//! Why something may not happen to a household, in words for a clerk.

use platform::Error;
use proto::names::ResidentName;
use proto::reasons;

/// Why it may not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    InTheFuture,
    KindDisagrees,
    LetsToMerchants,
    NotEmpty,
    NotIn(ResidentName),
    NothingMoves,
    Marked,
    SameHousehold,
    Erased,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InTheFuture => Self::refused(reasons::IN_THE_FUTURE, "发生日期不能在今天以后"),
            Refusal::KindDisagrees => Self::refused(
                reasons::KIND_DISAGREES,
                "住户类型与微网格、居住地不一致：原住户住在村内的原住地，重建地户在重建安置区或商业街，租住户住在村内；\
                 迁到别处的，请同时改住户类型",
            ),
            Refusal::LetsToMerchants => Self::refused(
                reasons::LETS_TO_MERCHANTS,
                "这户还有营业中的商户租用门面，请先说明由哪户接手出租，或先办理商户歇业、转租",
            ),
            Refusal::NotEmpty => {
                Self::refused(reasons::HOUSEHOLD_NOT_EMPTY, "户内还有其他成员，请先把他们转到别的户，或者并户")
            }
            Refusal::NotIn(name) => Self::refused(reasons::NOT_IN_HOUSEHOLD, format!("{name} 不是这户的家庭成员")),
            Refusal::NothingMoves => {
                Self::refused(reasons::ILLEGAL_MOVE, "迁移前后的微网格、居住地、住户类型和地址都一样，没有变化")
            }
            Refusal::Marked => Self::refused(
                reasons::ILLEGAL_MOVE,
                "这户现在的状态不能这样变更：在册的户才能标记外出，外出的户才能标记返回",
            ),
            Refusal::Erased => Self::refused(reasons::ILLEGAL_MOVE, "此人的个人信息已经删除，不能这样办理"),
            Refusal::SameHousehold => Self::refused(reasons::ILLEGAL_MOVE, "不能转入或并入本户"),
        }
    }
}
