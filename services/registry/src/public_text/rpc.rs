//! Texts that are to be made public, as the contract speaks of them. No rules, no SQL.

use platform::server::admit;
use platform::{Error, Violations};
use proto::names::VillageName;
use proto::platform::v1::TextFinding;
use proto::registry::v1 as pb;
use proto::registry::v1::public_text_service_server::PublicTextService;
use proto::time::timestamp;
use tonic::{Request, Response, Status};

use super::rules::Found;
use super::{Checked, PublicTexts};

/// Characters of a text: several pages, and looked through in milliseconds.
const LONGEST_TEXT: usize = 10_000;

#[tonic::async_trait]
impl PublicTextService for PublicTexts {
    async fn check_public_text(
        &self,
        request: Request<pb::CheckPublicTextRequest>,
    ) -> Result<Response<pb::CheckPublicTextResponse>, Status> {
        let (caller, message) = admit(request)?;
        let mut wrong = Violations::new();
        let village = wrong.check("parent", message.parent.parse());
        let text = wrong.required("text", &message.text);
        if message.text.chars().count() > LONGEST_TEXT {
            wrong.add("text", format!("is longer than {LONGEST_TEXT} characters"));
        }
        let (VillageName(village), text) = wrong.finish(village.zip(text))?;
        Ok(Response::new(self.check(&caller, &village, &text, &message.excepted_names).await?.try_into()?))
    }
}

impl TryFrom<Checked> for pb::CheckPublicTextResponse {
    type Error = Error;

    fn try_from(Checked { text, result }: Checked) -> Result<Self, Error> {
        Ok(match result {
            Ok((clearance, until)) => {
                Self { text, findings: Vec::new(), clearance, expire_time: Some(timestamp(until)) }
            }
            Err(found) => Self {
                text,
                findings: found.iter().map(told).collect::<Result<_, _>>()?,
                clearance: String::new(),
                expire_time: None,
            },
        })
    }
}

fn told(found: &Found) -> Result<TextFinding, Error> {
    let number = |number: usize| i32::try_from(number).map_err(Error::internal);
    Ok(TextFinding { kind: found.kind.into(), start: number(found.start)?, length: number(found.length)? })
}
