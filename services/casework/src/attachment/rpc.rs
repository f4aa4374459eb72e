//! Attachments as the contract speaks of them. No rules, no SQL.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use futures::StreamExt;
use platform::import::ImportStream;
use platform::revision::expected;
use platform::server::admit;
use platform::{Error, Result, Violations};
use proto::casework::v1 as pb;
use proto::casework::v1::attachment_service_server::AttachmentService;
use proto::casework::v1::download_attachment_response::Piece as Out;
use proto::casework::v1::upload_attachment_request::Piece as In;
use proto::names::record_id;
use proto::reasons;
use proto::time::timestamp;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::content::{Kind, TELLING};
use super::name::{Name, Parent};
use super::record::{Attachment, Draft, Role};
use super::sealed::Opener;
use super::{Attachments, Config, Received};

/// A file's name.
const NAME_LENGTH: usize = 200;
/// Segments that may wait for a slow reader.
const WAITING: usize = 2;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AttachmentService for Attachments {
    type DownloadAttachmentStream = ImportStream<pb::DownloadAttachmentResponse>;

    async fn upload_attachment(
        &self,
        request: Request<Streaming<pb::UploadAttachmentRequest>>,
    ) -> Answer<pb::Attachment> {
        let (caller, mut pieces) = admit(request)?;
        let Some(In::Header(header)) = pieces.message().await?.and_then(|first| first.piece) else {
            return Err(Error::field("header", "has to come first").into());
        };
        let draft = draft(&header, self.clock.new_id())?;
        let by = caller.within(&draft.name.village())?;
        self.may_add(&by, &draft.name.parent).await?;
        if draft.size > self.config.picture_bytes.max(self.config.document_bytes) {
            return Err(too_large(&self.config).into());
        }
        let _permit = self.uploads.try_acquire().map_err(|_| Error::Unavailable {
            reason: reasons::OVERLOADED,
            message: "too many uploads at once".to_owned(),
        })?;
        let received = receive(&mut pieces, &draft, &self.config).await?;
        let sha256 = digest(&SHA256, &received.bytes);
        if !draft.sha256.is_empty() && draft.sha256 != sha256.as_ref() {
            return Err(damaged("the content is not what its SHA-256 says").into());
        }
        // The same request is one with the same content.
        let whole = pb::UploadAttachmentHeader { sha256: Bytes::copy_from_slice(sha256.as_ref()), ..header };
        let request = platform::Request::read(&whole.request_id, &whole)?;
        Ok(Response::new(self.add(&by, request, draft, received).await?.into()))
    }

    async fn download_attachment(
        &self,
        request: Request<pb::DownloadAttachmentRequest>,
    ) -> Answer<Self::DownloadAttachmentStream> {
        let (caller, message) = admit(request)?;
        let name: Name = message.name.parse().map_err(|error| Error::field("name", error))?;
        let (attachment, object, opening) = self.get(&caller, &name).await?;
        let Some(mut stored) = self.objects.get(&name.village(), &object).await? else {
            return Err(Error::internal(format!("the object of {name} is gone")).into());
        };
        let mut opener = Opener::new(opening, attachment.size)?;
        let (pieces, received) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let send =
                async |piece: Out| pieces.send(Ok(pb::DownloadAttachmentResponse { piece: Some(piece) })).await.is_ok();
            if !send(Out::Attachment(attachment.into())).await {
                return;
            }
            let mut give = async || -> Result<()> {
                while let Some(piece) = stored.next().await {
                    for segment in opener.take(&piece?)? {
                        if !send(Out::Content(segment)).await {
                            return Ok(()); // the caller has gone away
                        }
                    }
                }
                if let Some(last) = opener.finish()? {
                    send(Out::Content(last)).await;
                }
                Ok(())
            };
            if let Err(error) = give().await {
                let _ = pieces.send(Err(error.into())).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(received))))
    }

    async fn list_attachments(
        &self,
        request: Request<pb::ListAttachmentsRequest>,
    ) -> Answer<pb::ListAttachmentsResponse> {
        let (caller, message) = admit(request)?;
        let parent = message.parent.parse().map_err(|error| Error::field("parent", error))?;
        let attachments = self.list(&caller, &parent).await?.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListAttachmentsResponse { attachments }))
    }

    async fn delete_attachment(&self, request: Request<pb::DeleteAttachmentRequest>) -> Answer<pb::Attachment> {
        let (caller, message) = admit(request)?;
        let request = platform::Request::read(&message.request_id, &message)?;
        let name = message.name.parse().map_err(|error| Error::field("name", error))?;
        let removed = self.remove(&caller, request, &name, expected(&message.etag)?).await?;
        Ok(Response::new(removed.into()))
    }
}

fn draft(header: &pb::UploadAttachmentHeader, new_id: Uuid) -> Result<Draft> {
    let mut wrong = Violations::new();
    let parent: Option<Parent> = wrong.check("header.parent", header.parent.parse());
    let said = header.attachment.clone().unwrap_or_default();
    let role = wrong.check("header.attachment.role", Role::read(said.role)).flatten();
    if role.is_none() {
        wrong.add("header.attachment.role", "is missing");
    }
    let file_name = said.file_name.trim();
    if file_name.chars().count() > NAME_LENGTH || file_name.chars().any(char::is_control) {
        wrong.add("header.attachment.file_name", format!("has to be a line of at most {NAME_LENGTH} characters"));
    }
    let id = match header.attachment_id.as_str() {
        "" => Some(new_id),
        text => wrong.check("header.attachment_id", record_id(text)),
    };
    let size = usize::try_from(header.size).ok().filter(|size| *size > 0);
    if size.is_none() {
        wrong.add("header.size", "has to be at least 1");
    }
    if !matches!(header.sha256.len(), 0 | 32) {
        wrong.add("header.sha256", "has to have 32 bytes");
    }
    let (((parent, role), id), size) = wrong.finish(parent.zip(role).zip(id).zip(size))?;
    Ok(Draft {
        name: Name { parent, id },
        role,
        file_name: Some(file_name.to_owned()).filter(|name| !name.is_empty()),
        size,
        sha256: header.sha256.to_vec(),
    })
}

/// Receives what was announced: no more, no less, and nothing that is not kept.
async fn receive(
    pieces: &mut Streaming<pb::UploadAttachmentRequest>,
    draft: &Draft,
    config: &Config,
) -> Result<Received, Status> {
    let (mut bytes, mut kind) = (Vec::new(), None);
    while let Some(message) = pieces.message().await? {
        let Some(In::Content(content)) = message.piece else {
            return Err(Error::field("content", "is missing: the header comes once").into());
        };
        if bytes.len() + content.len() > draft.size {
            return Err(damaged("more came than was said").into());
        }
        bytes.extend_from_slice(&content);
        if kind.is_none() && (bytes.len() >= TELLING || bytes.len() == draft.size) {
            let told = Kind::of(bytes.get(..TELLING).unwrap_or(&bytes)).ok_or_else(|| {
                let message = "只收 JPEG、PNG、WebP、HEIC 图片和 PDF 文件（按内容判断，与文件名无关）";
                Error::refused(reasons::ATTACHMENT_TYPE, message)
            })?;
            if draft.size > config.largest(told) {
                return Err(too_large(config).into());
            }
            kind = Some(told);
        }
    }
    match kind {
        Some(kind) if bytes.len() == draft.size => Ok(Received { kind, bytes }),
        _ => Err(damaged("less came than was said").into()),
    }
}

fn damaged(message: &str) -> Error {
    Error::refused(reasons::ATTACHMENT_DAMAGED, message)
}

fn too_large(config: &Config) -> Error {
    let mega = |bytes: usize| bytes.div_ceil(1024 * 1024);
    let (picture, document) = (mega(config.picture_bytes), mega(config.document_bytes));
    let message = format!("文件太大：图片不超过{picture}MB，PDF不超过{document}MB");
    Error::refused(reasons::ATTACHMENT_TOO_LARGE, message)
}

impl From<Attachment> for pb::Attachment {
    fn from(one: Attachment) -> Self {
        Self {
            name: one.name.to_string(),
            role: one.role.into(),
            file_name: one.file_name.unwrap_or_default(),
            content_type: one.kind.media_type().to_owned(),
            size: one.size,
            sha256: one.sha256.into(),
            uploader: one.uploader,
            create_time: Some(timestamp(one.created_at)),
            delete_time: one.removed_at.map(timestamp),
            etag: one.revision.to_string(),
        }
    }
}
